"""The only way from a stored event to its original text: for callers who may logs:Unmask."""

from collections.abc import Iterable

from coldframe.core.call import Call
from coldframe.engines.logstore.errors import Shredded
from coldframe.engines.logstore.rows import Row
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.records import LogGroup


def texts(call: Call, group: LogGroup, rows: Iterable[Row], *, unmask: bool) -> list[str]:
    """Return the rows' texts: masked ones, or with `unmask` the originals after asking IAM for logs:Unmask.

    Raises AccessDenied when the caller may not. An original whose key was dropped (retention, deletion) stays masked.
    """
    if not unmask:
        return [row.message for row in rows]
    call.require("logs:Unmask", call.arn(f"log-group:{group.name}:*"))
    store = call.part(LogStore)
    found = []
    for row in rows:
        try:
            found.append(store.unseal(group.id, row) if row.sealed is not None else row.message)
        except Shredded:
            found.append(row.message)
    return found
