"""Log transformers: tried on events that the caller gives."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.transformers.errors import InvalidTransformer
from coldframe.services.logs.transformers.transformer import NOT_BUILT, Transformer

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import TestTransformerRequestTypeDef, TestTransformerResponseTypeDef


def test_transformer(
    call: Call, request: "TestTransformerRequestTypeDef"
) -> "TestTransformerResponseTypeDef":
    """Return each event and what the transformer makes of it; one that it cannot take stays as it is."""
    del call
    configuration: Any = request["transformerConfig"]
    for processor in configuration:
        for name in NOT_BUILT:
            if processor.get(name) is not None:
                raise NotBuilt(f"The processor {name} is not built.")
    try:
        transformer = Transformer(configuration)
    except InvalidTransformer as error:
        raise invalid(str(error)) from error
    logs = [
        {
            "eventNumber": number,
            "eventMessage": message,
            "transformedEventMessage": transformer.transformed(message) or message,
        }
        for number, message in enumerate(request["logEventMessages"], 1)
    ]
    return {"transformedLogs": logs}  # type: ignore[typeddict-item]
