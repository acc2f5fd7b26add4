"""Faults: the errors a caller sees, raised by their modelled code and worded as AWS words them."""

from typing import Any


class ServiceFault(Exception):
    """An error of the API: code, message, HTTP status and the further members its shape has.

    `code` is the modelled error name (`ResourceNotFoundException`); the protocol layer finds the shape, the wire
    code and the HTTP status in the model, so `status` is only needed for codes that no model names.
    """

    def __init__(self, code: str, message: str, *, status: int | None = None, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


class AccessDenied(ServiceFault):
    """The caller may not: each protocol and service has its own code for it, chosen by the gateway."""

    def __init__(self, message: str) -> None:
        super().__init__("AccessDenied", message, status=403)


class NotBuilt(ServiceFault):
    """The operation exists at AWS and is not built here: HTTP 501, never an empty success."""

    def __init__(self, message: str) -> None:
        super().__init__("NotImplemented", message, status=501)


class InternalFailure(ServiceFault):
    """Something broke here: the text for the caller names the request id, the log has the cause."""

    def __init__(self, message: str) -> None:
        super().__init__("InternalFailure", message, status=500)
