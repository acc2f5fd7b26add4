"""How long a log group keeps its events: as the account's retention policies say where one applies, else as it says itself.

Source: PutAccountPolicy in the API reference. Of several policies that apply the one that keeps events longest counts;
a policy takes effect 24 hours after it was made or changed, and until then what it said before.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.core.store import Store
from coldframe.core.struct_types import whole
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.policy_selection import MOST_POLICIES, prefixes, selects
from coldframe.services.logs.records import AccountPolicy, LogGroup
from coldframe.services.logs.retention import DAYS

KIND = "RETENTION_POLICY"
NEVER_EXPIRE = "NEVER_EXPIRE"
_SHORTEST = 30
_FOREVER = 10**9


class Retention(NamedTuple):
    """For how many days events are kept, None for ever, and the account's policy that says so, empty for the group's own."""

    days: int | None
    policy: str = ""

    def floor(self, now: int) -> int:
        """Return the time before which events are not kept, at a time; in milliseconds."""
        return 0 if self.days is None else now - self.days * DAY


class _Document(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    retention_in_days: int | str
    enforcement_mode: str


class Retentions:
    """Gives the retention of groups; the policies of an account are read anew when one has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._kept: dict[tuple[str, str], list[AccountPolicy]] = {}

    def of(self, account: str, region: str, group: LogGroup, now: int) -> Retention:
        """Return the retention of a group at a time (milliseconds)."""
        version = self._store.version(AccountPolicy)
        if version != self._version:
            self._kept, self._version = {}, version
        policies = self._kept.get((account, region))
        if policies is None:
            kept = self._kept
            with self._store.read() as transaction:
                policies = kept[account, region] = policies_of(transaction.records(account, region))
        return retained(policies, group, now)


def check_document(text: str) -> None:
    """Hold a RETENTION_POLICY against its schema; raises InvalidParameterException."""
    try:
        document = msgspec.json.decode(text, type=whole(_Document))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise invalid(f"Invalid retention policy: {error}") from error
    allowed = [days for days in DAYS if days >= _SHORTEST]
    if document.retention_in_days != NEVER_EXPIRE and document.retention_in_days not in allowed:
        raise invalid(
            f"Invalid retention policy: retentionInDays must be {NEVER_EXPIRE} or one of"
            f" {', '.join(map(str, allowed))}."
        )
    if document.enforcement_mode not in {"NEW_ONLY", "RETROACTIVE"}:
        raise invalid("Invalid retention policy: enforcementMode must be NEW_ONLY or RETROACTIVE.")


def check_number(selection: str, others: Sequence[AccountPolicy]) -> None:
    """Hold the criteria of a policy against the rules; unlike those of other kinds they may overlap."""
    prefixes(selection)
    if len(others) >= MOST_POLICIES:
        raise ServiceFault(
            "LimitExceededException", f"An account can have {MOST_POLICIES} policies of a type at most."
        )


def in_effect(policy: AccountPolicy, now: int) -> str:
    """Return the document of a policy that is in effect at a time, empty where none is yet."""
    return policy.document if now >= policy.updated + DAY else policy.former


def policies_of(records: Records) -> list[AccountPolicy]:
    """Return the retention policies of an account and region."""
    return records.list(AccountPolicy, key_prefix=(KIND,))


def retained(policies: Iterable[AccountPolicy], group: LogGroup, now: int, *, at_once: str = "") -> Retention:
    """Return the retention of a group under policies; the one named `at_once` is taken as in effect already."""
    best: tuple[int, int, str] | None = None
    for policy in policies:
        text = policy.document if at_once == policy.name else in_effect(policy, now)
        if not text or not covers(policy, text, group):
            continue
        given = _read(text).retention_in_days
        days = _FOREVER if given == NEVER_EXPIRE else int(given)
        # Of two that say the same, the one that was made first is told.
        if best is None or (days, -policy.created) > best[:2]:
            best = (days, -policy.created, policy.name)
    if best is None or group.group_class == "DELIVERY":
        return Retention(group.retention_days)
    return Retention(None if best[0] == _FOREVER else best[0], best[2])


def covers(policy: AccountPolicy, text: str, group: LogGroup) -> bool:
    """Tell whether a policy with this document is for a group."""
    if not selects(policy.selection, group.name):
        return False
    return _read(text).enforcement_mode == "RETROACTIVE" or group.created > policy.created


@lru_cache(maxsize=256)
def _read(text: str) -> _Document:
    return msgspec.json.decode(text, type=whole(_Document))
