"""Which transformer the events of a log group go through: the group's own, else the account's for its name."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.services.logs.account_policy_documents import MOST_CHARACTERS
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.policy_selection import selects
from coldframe.services.logs.records import AccountPolicy, LogGroup, LogTransformer
from coldframe.services.logs.transformers import (
    InvalidTransformer,
    Origin,
    Transformer,
    compile_transformer,
)


def checked(config: Any) -> Transformer:
    """Return the transformer of a configuration; raises InvalidParameterException with processor and reason."""
    try:
        return compile_transformer(config)
    except InvalidTransformer as error:
        raise invalid(f"Invalid transformer configuration: {error.message}.") from error


def check_policy_document(text: str) -> None:
    """Hold a TRANSFORMER_POLICY, a JSON array of processors, against the rules."""
    if len(text) > MOST_CHARACTERS:
        raise invalid(
            f"The policy document has {len(text)} characters; at most {MOST_CHARACTERS} are possible."
        )
    try:
        config = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise invalid(f"Invalid transformer policy: {error}.") from error
    checked(config)


def active_configuration(records: Records, group: LogGroup) -> str:
    """Return the configuration, as JSON, by which a group's events are transformed; empty where there is none."""
    return _active(records, group)[0]


def _active(records: Records, group: LogGroup) -> tuple[str, int]:
    """Return the configuration and since when the group has had a transformer of that kind, in milliseconds."""
    if group.group_class != "STANDARD":
        return "", 0
    own = records.find(LogTransformer, group.name)
    if own is not None:
        return own.config, own.created
    return next(
        (
            (policy.document, policy.updated)
            for policy in records.list(AccountPolicy, key_prefix=("TRANSFORMER_POLICY",))
            if selects(policy.selection, group.name)
        ),
        ("", 0),
    )


@lru_cache(maxsize=256)
def transformer_of(config: str) -> Transformer:
    """Return the transformer of a stored configuration."""
    return compile_transformer(msgspec.json.decode(config))


def transformer_for(records: Records, group: LogGroup) -> Transformer | None:
    """Return the transformer that a group's events go through, None where there is none.

    Only the original (masked) text is stored: readers call its `transform(message, origin).text` as they read.
    """
    config = active_configuration(records, group)
    return transformer_of(config) if config else None


class Reading(NamedTuple):
    """How events of a group are read: `transformed` makes of a text, its stream and its time what the transformer does.

    It is for events that arrived `since` (milliseconds) the group has one; those from before are left as they are.
    """

    transformed: Callable[[str, str, int], str]
    since: int

    def text(self, text: str, stream: str, time: int, arrived: int) -> str:
        """Return the text of an event as queries see it."""
        return self.transformed(text, stream, time) if arrived >= self.since else text


def reading(call: Call, group: LogGroup) -> Reading | None:
    """Return how queries read the events of a group, None where it has no transformer."""
    config, since = _active(call.records, group)
    if not config:
        return None
    transformer = transformer_of(config)

    def transformed(text: str, stream: str, time: int) -> str:
        return transformer.transform(text, Origin(group.name, stream, call.account, call.region, time)).text

    return Reading(transformed, since)


def on_transformed(call: Call, request: Mapping[str, Any], group: LogGroup) -> bool:
    """Tell whether a filter is to look at transformed events; refused where the group has no transformer."""
    if not request.get("applyOnTransformedLogs"):
        return False
    if not active_configuration(call.records, group):
        raise invalid(
            "applyOnTransformedLogs is valid only for a log group with an active log transformer; it has none."
        )
    return True
