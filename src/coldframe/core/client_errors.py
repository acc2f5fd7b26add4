"""The error that clients of other services raise, for those who call through the installation's clients."""

from botocore.exceptions import ClientError, ParamValidationError

__all__ = ["ClientError", "ParamValidationError", "status_of"]


def status_of(error: ClientError) -> int:
    """Return the HTTP status of the answer that was an error."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
