"""The error of a policy document that does not parse, worded as AWS words it."""


class PolicyError(ValueError):
    """A policy document is malformed.

    `message` is AWS's own text (MalformedPolicyDocument, MalformedPolicyDocumentException), `statement_index` counts
    statements from 0 and is None when the fault lies outside the statements, `reason` says what AWS leaves out.
    """

    def __init__(self, message: str, statement_index: int | None = None, reason: str = "") -> None:
        place = "" if statement_index is None else f"statement {statement_index + 1}"
        detail = ": ".join(part for part in (place, reason) if part)
        super().__init__(f"{message} ({detail})" if detail else message)
        self.message = message
        self.statement_index = statement_index
        self.reason = reason


class ElementError(ValueError):
    """One element of a statement is malformed; `parse_policy` adds the statement and raises a PolicyError."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
