"""The error of a filter pattern that cannot be read."""


class InvalidPattern(Exception):
    """A filter pattern breaks the language; `message` is for the caller's InvalidParameterException."""

    def __init__(self, reason: str, *, message: str | None = None) -> None:
        self.reason = reason
        self.message = message if message is not None else f"Invalid filter pattern: {reason}"
        super().__init__(self.message)
