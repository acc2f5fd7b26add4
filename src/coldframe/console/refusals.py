"""What an API call that failed says on a page: the status, AWS's message, and the field of a form that it is about."""

import re

from coldframe.core.client_errors import ClientError, status_of

# Both of AWS's wordings: "... at 'logGroupName' failed to satisfy ..." and "Missing required parameter ... "logGroupName"".
_FIELD = re.compile(r"at '([\w.\[\]]+)' failed to satisfy|[Pp]arameter(?:s)?:? [\"']?([A-Za-z]\w+)[\"']?")


def refused(error: ClientError) -> tuple[int, str]:
    """Return the status and the message of an API call that failed; a denial is 403 whatever its protocol says."""
    return 403 if is_denied(error) else status_of(error), message(error)


def message(error: ClientError) -> str:
    """Return AWS's message, or its code where it has none."""
    said = error.response.get("Error", {})
    return said.get("Message") or said.get("Code") or "The call failed."


def code(error: ClientError) -> str:
    """Return AWS's code of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    """Tell whether the caller was not allowed, as opposed to having asked for something wrong."""
    return status_of(error) == 403 or "AccessDenied" in code(error)


def field_of(text: str, fields: list[str]) -> str:
    """Return which of a form's fields an error message is about; empty when it names none."""
    for match in _FIELD.finditer(text):
        named = (match[1] or match[2] or "").partition(".")[0].partition("[")[0]
        for field in fields:
            if field.lower() == named.lower():
                return field
    return next((field for field in fields if re.search(rf"\b{re.escape(field)}\b", text, re.IGNORECASE)), "")
