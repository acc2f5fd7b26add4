"""What can be wrong with a transformer, and with an event that it is to transform."""


class InvalidTransformer(Exception):
    """A configuration that breaks the documented rules; `message` names the processor and the reason."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TransformationFailed(Exception):
    """An event that a processor cannot work on; `reason` is what the event's @transformationError says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
