"""Account-wide subscription filter policies as text, and the selection criteria that exempt log groups from them."""

import re
from typing import NamedTuple

import msgspec

from coldframe.core.struct_types import whole
from coldframe.services.logs.filtering import compiled
from coldframe.services.logs.lookup import invalid

MOST_SELECTION_BYTES = 25 * 1024
MOST_CHARACTERS = 30_720

_SELECTION = re.compile(r"\s*LogGroupName\s+NOT\s+IN\s+(\[.*\])\s*", re.DOTALL)


class Subscription(NamedTuple):
    """What a valid policy says of where events go."""

    destination: str
    role: str


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    DestinationArn: str
    RoleArn: str = ""
    FilterPattern: str = ""
    Distribution: str = "ByLogStream"


def check_subscription(text: str) -> Subscription:
    """Hold a subscription filter policy against its schema; raises InvalidParameterException."""
    if len(text) > MOST_CHARACTERS:
        raise invalid(
            f"The policy document has {len(text)} characters; at most {MOST_CHARACTERS} are possible."
        )
    try:
        document = msgspec.json.decode(text, type=whole(_Document))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise invalid(f"Invalid subscription filter policy: {error}") from error
    if document.Distribution not in {"Random", "ByLogStream"}:
        raise invalid(f"Invalid subscription filter policy: Distribution {document.Distribution!r}.")
    compiled(document.FilterPattern)
    return Subscription(document.DestinationArn, document.RoleArn)


def exempted(criteria: str) -> list[str]:
    """Return the log groups that `LogGroupName NOT IN [...]` exempts; raises InvalidParameterException for other text."""
    if not criteria:
        return []
    if len(criteria.encode("utf-8", "surrogatepass")) > MOST_SELECTION_BYTES:
        raise invalid(f"selectionCriteria can have at most {MOST_SELECTION_BYTES} bytes.")
    found = _SELECTION.fullmatch(criteria)
    if found is None:
        raise invalid('Invalid selectionCriteria: only LogGroupName NOT IN ["name", ...] is supported.')
    try:
        names = msgspec.json.decode(found[1], type=list[str])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise invalid(f"Invalid selectionCriteria: {error}.") from error
    return names
