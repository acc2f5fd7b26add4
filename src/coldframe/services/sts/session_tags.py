"""Tags of sessions: those of the request, and those that a session inherits; keys differ by more than their case."""

from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.identity.sessions import Session


def checked(request: Any) -> dict[str, str]:
    """Return a request's tags; raises InvalidParameterValue when two keys are one but for their case, or AWS's own."""
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
    if len({key.lower() for key in tags}) < len(request.get("Tags", ())):
        raise _invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if reserved := sorted(key for key in tags if key.lower().startswith("aws:")):
        raise _invalid(f"Tag keys that begin with aws: are reserved: {reserved[0]}")
    return tags


def merged(request: Any, inherited: Session | None) -> tuple[dict[str, str], list[str]]:
    """Return the tags of a role's session and the keys of those that are transitive.

    Raises InvalidParameterValue for a transitive key that is not among the request's tags, and for a tag that the calling
    session has as a transitive one.
    """
    tags = checked(request)
    wanted = {key.lower() for key in request.get("TransitiveTagKeys", ())}
    if wanted - {key.lower() for key in tags}:
        raise _invalid("The specified transitive tag key must be included in the requested tags.")
    kept = {}
    if inherited is not None:
        kept = {key: inherited.tags[key] for key in inherited.transitive if key in inherited.tags}
    if {key.lower() for key in kept} & {key.lower() for key in tags}:
        raise _invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
            "calling session."
        )
    return {**kept, **tags}, [*kept, *(key for key in tags if key.lower() in wanted)]


def _invalid(text: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValue", text, status=400)
