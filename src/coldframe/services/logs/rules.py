"""What happens to a group's events as they arrive, gathered from the records and kept until one of them changes."""

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from coldframe.core.gathered import Gathered
from coldframe.core.records import Record
from coldframe.core.store import Store
from coldframe.core.struct_types import whole
from coldframe.engines.detector import Detector
from coldframe.services.logs.filter_patterns import FilterPattern, compile_pattern
from coldframe.services.logs.metric_values import MetricTransformation, compile_transformation
from coldframe.services.logs.policy_selection import selects
from coldframe.services.logs.protection import Protection, protection_of
from coldframe.services.logs.records import (
    AccountPolicy,
    Destination,
    LogGroup,
    LogTransformer,
    MetricFilter,
    SubscriptionFilter,
)

if TYPE_CHECKING:
    from coldframe.services.logs.transformers import Transformer

_DEPENDS: tuple[type[Record], ...] = (
    AccountPolicy,
    Destination,
    LogGroup,
    LogTransformer,
    MetricFilter,
    SubscriptionFilter,
)


_MOST_KEPT = 100_000


class Extraction(NamedTuple):
    """A metric filter: which events, and one (namespace, name, transformation) for each of its metrics.

    `on_transformed`: it looks at the transformed versions of the events.
    """

    pattern: FilterPattern
    metrics: tuple[tuple[str, str, MetricTransformation], ...]
    on_transformed: bool


class Subscription(NamedTuple):
    """A subscription: which events go where; `target` is what the destination stands for, and `role` puts them there.

    `account_policy`: it is the whole account's.
    """

    name: str
    pattern: FilterPattern
    target: str
    role: str
    on_transformed: bool
    account_policy: bool


class GroupRules(NamedTuple):
    """What happens to the events of one group; `embeds`: they may carry metrics."""

    protection: Protection | None
    extractions: tuple[Extraction, ...]
    subscriptions: tuple[Subscription, ...]
    transformer: "Transformer | None"
    embeds: bool


class _SubscriptionPolicy(msgspec.Struct):
    DestinationArn: str
    RoleArn: str = ""
    FilterPattern: str = ""


class Rules:
    """Gives the rules of groups."""

    def __init__(self, store: Store, detector: Detector) -> None:
        self._store = store
        self._detector = detector
        self._kept: Gathered[tuple[str, str, str], GroupRules] = Gathered(store, _DEPENDS, most=_MOST_KEPT)

    def of(self, account: str, region: str, group: str) -> GroupRules:
        """Return the rules of a group that exists."""
        kept = self._kept.now()
        key = (account, region, group)
        found = kept.get(key)
        if found is None:
            found = kept[key] = self._gather(account, region, group)
        return found

    def _gather(self, account: str, region: str, name: str) -> GroupRules:
        from coldframe.services.logs.transforming import active_configuration, transformer_of

        with self._store.read() as transaction:
            records = transaction.records(account, region)
            group = records.get(LogGroup, name)
            policies = [policy for policy in records.list(AccountPolicy) if selects(policy.selection, name)]
            filters = records.list(MetricFilter, key_prefix=(name,))
            subscriptions = [
                (each.name, each.pattern, each.destination, each.role, each.on_transformed, False)
                for each in records.list(SubscriptionFilter, key_prefix=(name,))
            ]
            transforming = active_configuration(records, group)
            for policy in policies:
                if policy.kind == "SUBSCRIPTION_FILTER_POLICY":
                    said = msgspec.json.decode(policy.document, type=whole(_SubscriptionPolicy))
                    subscriptions.append(
                        (policy.name, said.FilterPattern, said.DestinationArn, said.RoleArn, False, True)
                    )
        documents = [policy.document for policy in policies if policy.kind == "DATA_PROTECTION_POLICY"]
        if group.protection:
            documents.append(group.protection)
        return GroupRules(
            protection_of(self._detector, tuple(documents)),
            tuple(_extraction(each) for each in filters),
            tuple(
                Subscription(label, compile_pattern(pattern), *target, on_transformed, account_policy)
                for label, pattern, destination, role, on_transformed, account_policy in subscriptions
                if (target := self._target(destination, role)) is not None
            ),
            transformer_of(transforming) if transforming else None,
            group.group_class == "STANDARD",
        )

    def _target(self, arn: str, role: str) -> tuple[str, str] | None:
        """Return what is behind a destination's ARN, and the destination's role; any other ARN stands for itself."""
        parts = arn.split(":", 6)
        if len(parts) != 7 or parts[2] != "logs" or parts[5] != "destination":
            return arn, role
        found = self._store.cached(Destination, parts[4], parts[3], parts[6])
        return (found.target, found.role) if found is not None else None


def _extraction(record: MetricFilter) -> Extraction:
    pattern = compile_pattern(record.pattern)
    return Extraction(
        pattern,
        tuple(
            (
                each["metricNamespace"],
                each["metricName"],
                compile_transformation(
                    pattern,
                    each["metricValue"],
                    default_value=each.get("defaultValue"),
                    dimensions=each.get("dimensions"),
                    unit=each.get("unit", "None"),
                ),
            )
            for each in record.transformations
        ),
        record.on_transformed,
    )
