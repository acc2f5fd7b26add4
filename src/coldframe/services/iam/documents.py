"""Policy documents as IAM takes them and gives them back: checked, measured, and encoded as RFC 3986 says."""

import re
from urllib.parse import quote

from coldframe.core.faults import ServiceFault
from coldframe.identity.policies import Policy, PolicyKind, compiled_policy
from coldframe.identity.policy_errors import PolicyError

_WHITE = re.compile(r"\s+")


def check_document(text: str, kind: PolicyKind = "identity") -> Policy:
    """Return the compiled policy; raises MalformedPolicyDocument in AWS's own words, without more."""
    try:
        return compiled_policy(text, kind)
    except PolicyError as error:
        raise ServiceFault("MalformedPolicyDocument", error.message) from error


def size(text: str) -> int:
    """Return how many characters of a document count against its quota: all but white space."""
    return len(_WHITE.sub("", text))


def encoded(text: str) -> str:
    """Return a document as IAM's answers carry it: percent-encoded."""
    return quote(text, safe="")
