"""Which condition keys policies ask for, so that a simulation can be given them."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.services.iam.context_keys import context_keys
from coldframe.services.iam.simulator import check_input
from coldframe.services.iam.sources import find_entity, sources_of

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def get_context_keys_for_custom_policy(
    call: Call, request: "shapes.GetContextKeysForCustomPolicyRequestTypeDef"
) -> dict[str, Any]:
    """List the condition keys in the policies given."""
    documents = request["PolicyInputList"]
    for document in documents:
        check_input(document, "identity")
    return {"ContextKeyNames": context_keys(documents)}


def get_context_keys_for_principal_policy(
    call: Call, request: "shapes.GetContextKeysForPrincipalPolicyRequestTypeDef"
) -> dict[str, Any]:
    """List the condition keys in the policies of a user (with its groups), group or role, and in those given."""
    given = request.get("PolicyInputList", [])
    for document in given:
        check_input(document, "identity")
    row = find_entity(call, request["PolicySourceArn"])
    own = [source.document for source in sources_of(call, row)]
    return {"ContextKeyNames": context_keys([*own, *given])}
