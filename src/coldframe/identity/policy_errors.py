"""The error of a policy document that does not parse, worded as AWS words it."""

from collections.abc import Sequence


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
VERSION = "Policy document must be version 2012-10-17 or greater."
NOT_UNIQUE = "Statement IDs (SID) in a single policy must be unique."
NO_ACTIONS = "Policy statement must contain actions."
NO_RESOURCES = "Policy statement must contain resources."
VENDOR_MISSING = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."

# AWS reads a document again for each of these, and so tells the first of them, wherever it stands. What is about
# resources comes between the actions that are missing and those that are malformed.
_ORDER = (SYNTAX, VERSION, LEGACY, NOT_UNIQUE, NO_ACTIONS, "", "Vendor", NO_RESOURCES)
_RANK = {message: rank for rank, message in enumerate(_ORDER)}
_RANK[VENDOR_MISSING] = _RANK["Actions/Condition can contain only one colon."] = _RANK["Vendor"]


def first_told(errors: Sequence[PolicyError]) -> PolicyError:
    """Choose the error of a document that AWS answers with, among all that it has."""
    return min(errors, key=lambda error: _rank(error.message))


def _rank(message: str) -> int:
    return _RANK["Vendor"] if message.startswith("Vendor ") else _RANK.get(message, _RANK[""])
