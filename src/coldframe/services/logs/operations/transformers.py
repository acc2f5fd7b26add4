"""Log transformers: put on log groups, and tried on events that the caller gives."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs.filtering import standard_group
from coldframe.services.logs.lookup import invalid, name_in
from coldframe.services.logs.records import LogGroup
from coldframe.services.logs.transformers.errors import InvalidTransformer
from coldframe.services.logs.transformers.transformer import NOT_BUILT, Transformer

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteTransformerRequestTypeDef,
        GetTransformerRequestTypeDef,
        GetTransformerResponseTypeDef,
        PutTransformerRequestTypeDef,
        TestTransformerRequestTypeDef,
        TestTransformerResponseTypeDef,
    )


def put_transformer(call: Call, request: "PutTransformerRequestTypeDef") -> None:
    """Have a group's events transformed as they arrive from now on, for the filters that ask for it."""
    group = standard_group(call, name_in(call, request["logGroupIdentifier"]), "log transformers")
    configuration: Any = request["transformerConfig"]
    _checked(configuration)
    call.records.change(
        group,
        transformer=configuration,
        transformer_created=group.transformer_created or call.now,
        transformer_updated=call.now,
    )


def get_transformer(call: Call, request: "GetTransformerRequestTypeDef") -> "GetTransformerResponseTypeDef":
    """Return a group's transformer; nothing but the group where it has none."""
    group = call.records.get(LogGroup, name_in(call, request["logGroupIdentifier"]))
    answer: dict[str, Any] = {"logGroupIdentifier": request["logGroupIdentifier"]}
    if group.transformer:
        answer["creationTime"] = group.transformer_created
        answer["lastModifiedTime"] = group.transformer_updated
        answer["transformerConfig"] = group.transformer
    return answer  # type: ignore[return-value]


def delete_transformer(call: Call, request: "DeleteTransformerRequestTypeDef") -> None:
    """End the transformation of a group's events."""
    group = call.records.get(LogGroup, name_in(call, request["logGroupIdentifier"]))
    if not group.transformer:
        raise ServiceFault("ResourceNotFoundException", "The specified log group has no transformer.")
    call.records.change(group, transformer=[], transformer_created=0, transformer_updated=0)


def test_transformer(
    call: Call, request: "TestTransformerRequestTypeDef"
) -> "TestTransformerResponseTypeDef":
    """Return each event and what the transformer makes of it; one that it cannot take stays as it is."""
    del call
    configuration: Any = request["transformerConfig"]
    transformer = _checked(configuration)
    logs = [
        {
            "eventNumber": number,
            "eventMessage": message,
            "transformedEventMessage": transformer.transformed(message) or message,
        }
        for number, message in enumerate(request["logEventMessages"], 1)
    ]
    return {"transformedLogs": logs}  # type: ignore[typeddict-item]


def _checked(configuration: Any) -> Transformer:
    """Return the transformer of a configuration; raises the faults for one that is none, or that is not built."""
    for processor in configuration:
        for name in NOT_BUILT:
            if processor.get(name) is not None:
                raise NotBuilt(f"The processor {name} is not built.")
    try:
        return Transformer(configuration)
    except InvalidTransformer as error:
        raise invalid(str(error)) from error
