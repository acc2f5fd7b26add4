"""The only way from a stored event to its original text: for callers who may logs:Unmask."""

import logging
from collections.abc import Iterable

from coldframe.core.call import Call
from coldframe.engines.logstore.errors import CorruptBlock, Shredded
from coldframe.engines.logstore.rows import Row
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.records import LogGroup

LOG = logging.getLogger("coldframe.logs")
AUDIT = logging.getLogger("coldframe.audit")


def texts(call: Call, group: LogGroup, rows: Iterable[Row], *, unmask: bool) -> list[str]:
    """Return the rows' texts: masked ones, or with `unmask` the originals after asking IAM for logs:Unmask.

    Raises AccessDenied when the caller may not. An original whose key was dropped (retention, deletion), or that is damaged, stays masked.
    """
    if not unmask:
        return [row.message for row in rows]
    name = call.arn(f"log-group:{group.name}")
    call.require("logs:Unmask", f"{name}:*")
    store = call.part(LogStore)
    found = []
    for row in rows:
        try:
            found.append(store.unseal(group.id, row) if row.sealed is not None else row.message)
        except Shredded:
            found.append(row.message)
        except CorruptBlock as error:
            # One that is damaged keeps nobody from the others.
            LOG.warning("%s stays masked: %s", name, error)
            found.append(row.message)
    # The trail of who saw what: of every way to the originals, since there is only this one.
    AUDIT.info(
        "%s unmasked %d events of %s (%s, request %s, from %s)",
        call.principal.arn,
        len(found),
        name,
        call.operation,
        call.request_id,
        call.source_ip,
    )
    return found
