"""What StartQuery makes of a request: the log groups it means, its times, and a task that is ready to run."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs import unmasking
from coldframe.services.logs.account_retention import Retentions
from coldframe.services.logs.index_policies import indexed_fields
from coldframe.services.logs.insights import translation
from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.expressions import Times
from coldframe.services.logs.insights.running import Task
from coldframe.services.logs.insights.sources import Group, Originals
from coldframe.services.logs.insights.tree import Source
from coldframe.services.logs.lookup import invalid, name_in
from coldframe.services.logs.records import LogGroup, LookupTable
from coldframe.services.logs.transforming import reading

MOST_NAMED = 50
MOST_SELECTED = 10_000
_MOST_SECONDS = 253_402_300_799
"""What is larger counts milliseconds."""
_NAMING = ("logGroupName", "logGroupNames", "logGroupIdentifiers")


def task_of(call: Call, request: Mapping[str, Any]) -> tuple[Task, list[str]]:
    """Return the task of a StartQuery request and the names of its groups; raises the faults of StartQuery."""
    if request.get("queryLanguage", "CWLI") != "CWLI":
        raise NotBuilt("Queries in OpenSearch SQL and PPL are not built; use queryLanguage CWLI.")
    times = _times(call, request)
    try:
        query = translation.read(request["queryString"], times)
        chosen = _Groups(call)
        sources = query.sources()
        own = bool(query.commands) and isinstance(query.commands[0], Source)
        main = chosen.selected(query.commands[0]) if own else chosen.named(request)  # type: ignore[arg-type]
        if own and any(name in request for name in _NAMING):
            raise invalid("Log groups are named by the parameters of the request or by SOURCE, not by both.")
        resolved = {id(source): chosen.selected(source) for source in sources}
        groups = chosen.groups
        if any(group.group_class != "STANDARD" for group in groups):
            query.refuse_for_rare_access()
        labels = [f"{call.account}:{group.name}" for group in groups]
        plan = translation.translate(
            query,
            labels,
            main,
            lambda source: resolved[id(source)],
            request.get("limit"),
            partial(_columns, call),
            lambda number, fields: fields & indexed_fields(call, groups[number]),
        )
    except QueryError as error:
        raise malformed(error) from error
    for group in groups:
        call.require("logs:StartQuery", call.arn(f"log-group:{group.name}:log-stream:"))
        if plan.unmasks:
            call.require("logs:Unmask", call.arn(f"log-group:{group.name}:*"))
    originals: list[Originals] | None = None
    if plan.unmasks:
        originals = [partial(_originals, call, group) for group in groups]
    parts = [_group(call, group, label) for group, label in zip(groups, labels, strict=True)]
    task = Task(call.new_id(), call.account, call.region, plan, parts, originals)
    return task, [group.name for group in groups]


def kept_text(request: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return a query as DescribeQueries shows it: AWS puts the one log group and the times before what was asked.

    What it puts before a query of several log groups is not documented, so that one is shown as it was asked.
    """
    text, start, end = str(request["queryString"]), request["startTime"], request["endTime"]
    if len(names) != 1 or not any(request.get(name) for name in _NAMING) or end > _MOST_SECONDS:
        return text
    return f'SOURCE "{names[0]}" START={start}000 END={end}999 | {text}'


def malformed(error: QueryError) -> ServiceFault:
    """Return the fault for a query that does not compile, with the place in its text."""
    location = {"startCharOffset": error.span.start, "endCharOffset": error.span.end}
    return ServiceFault(
        "MalformedQueryException",
        f"{error.message} ([{error.span.start},{error.span.end}])",
        queryCompileError={"location": location, "message": error.message},
    )


def _originals(call: Call, group: LogGroup, rows: Any) -> list[str]:
    return unmasking.texts(call, group, rows, unmask=True)


def _columns(call: Call, table: str, span: Span) -> tuple[str, ...]:
    """Return the columns of a lookup table; raises QueryError where there is none of the name."""
    found = call.cached(LookupTable, table)
    return translation.no_table(table, span) if found is None else tuple(found.columns)


def _group(call: Call, group: LogGroup, label: str) -> Group:
    """Return a group as a query reads it: through its transformer, since it has one."""
    read = reading(call, group)
    if read is None:
        return Group(group.id, group.name, label, _floor(call, group))
    return Group(group.id, group.name, label, _floor(call, group), *read)


def _times(call: Call, request: Mapping[str, Any]) -> Times:
    start, end = request["startTime"], request["endTime"]
    if start > end:
        raise invalid("The start time must not be after the end time.")
    if end > _MOST_SECONDS:
        # Clients that count in milliseconds are understood, as the service understands them.
        return Times(start if start > _MOST_SECONDS else start * 1000, end, call.now)
    return Times(start * 1000, end * 1000 + 999, call.now)


def _floor(call: Call, group: LogGroup) -> int:
    return call.part(Retentions).of(call.account, call.region, group, call.now).floor(call.now)


class _Groups:
    """The log groups of a query, each with a number."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.groups: list[LogGroup] = []

    def named(self, request: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the numbers of the groups that the request's one naming parameter has."""
        given = [name for name in _NAMING if request.get(name)]
        if len(given) != 1:
            raise invalid(
                "Specify exactly one of logGroupName, logGroupNames and logGroupIdentifiers, or SOURCE in the query."
            )
        value = request[given[0]]
        names = [value] if isinstance(value, str) else value
        if len(names) > MOST_NAMED:
            raise invalid(f"A query may name up to {MOST_NAMED} log groups.")
        return self._numbers(names)

    def selected(self, source: Source) -> tuple[int, ...]:
        """Return the numbers of the groups of a SOURCE; raises QueryError when there are none or too many."""
        if not source.selection:
            if len(source.names) > MOST_NAMED:
                raise QueryError(f"SOURCE may name up to {MOST_NAMED} log groups", source.span)
            return self._numbers(source.names)
        if source.accounts and self._call.account not in source.accounts:
            raise QueryError("none of these accounts shares its log groups with this account", source.span)
        classes = [each.upper() for each in source.classes] or ["STANDARD"]
        found = [
            group.name
            for group in self._call.records.list(LogGroup, where={"group_class": classes})
            if not source.prefixes or group.name.startswith(source.prefixes)
        ]
        if not found:
            raise QueryError("SOURCE selects no log group", source.span)
        if len(found) > MOST_SELECTED:
            raise QueryError(f"SOURCE selects more than {MOST_SELECTED} log groups", source.span)
        return self._numbers(found)

    def _numbers(self, names: Any) -> tuple[int, ...]:
        numbers = []
        known = {group.name: number for number, group in enumerate(self.groups)}
        for name in dict.fromkeys(name_in(self._call, each) for each in names):
            if name not in known:
                known[name] = len(self.groups)
                self.groups.append(self._group(name))
            numbers.append(known[name])
        return tuple(numbers)

    def _group(self, name: str) -> LogGroup:
        """Return a group; the fault of one that is missing is the one that AWS passes on from within, in whole."""
        group = self._call.cached(LogGroup, name)
        if group is None:
            code = "ResourceNotFoundException"
            raise ServiceFault(
                code,
                f"Log group '{name}' does not exist for account ID '{self._call.account}' (Service: AWSLogs;"
                f" Status Code: 400; Error Code: {code}; Request ID: {self._call.request_id}; Proxy: null)",
            )
        return group
