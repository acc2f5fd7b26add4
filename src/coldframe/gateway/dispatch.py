"""The handler's turn: one call, one transaction."""

from coldframe.core.faults import NotBuilt
from coldframe.gateway.exchange import Exchange


def call_handler(exchange: Exchange) -> None:
    """Run the operation's function; commit what it wrote, or undo all of it when it raises."""
    name = exchange.operation.name
    handler = exchange.service.handlers.get(name)
    if handler is None:
        remark = exchange.service.remark(name)
        text = f"{exchange.service.manifest.model}:{name} is not built in coldframe. {remark}"
        raise NotBuilt(text.strip())
    call = exchange.call
    assert call is not None, "authorize makes the call"
    try:
        exchange.result = handler(call, exchange.parameters)
    except BaseException as error:
        call.roll_back(error)
        raise
    call.commit()
