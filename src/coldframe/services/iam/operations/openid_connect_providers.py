"""OpenID Connect providers: who may speak for federated users, as records."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.iam import tagging
from coldframe.services.iam.answers import moment
from coldframe.services.iam.quotas import OPENID_PROVIDERS, exceeded
from coldframe.services.iam.records import OpenIdProvider

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes

_CLIENTS, _THUMBPRINTS = 100, 5


def create_open_id_connect_provider(
    call: Call, request: "shapes.CreateOpenIDConnectProviderRequestTypeDef"
) -> dict[str, Any]:
    """Record a provider; its ARN follows from its address, which is not fetched."""
    url = urlsplit(request["Url"])
    if url.scheme != "https" or not url.netloc or url.query or url.fragment:
        raise ServiceFault("ValidationError", "Invalid Open ID Connect Provider URL")
    if call.records.count(OpenIdProvider) >= OPENID_PROVIDERS:
        raise exceeded("OpenIdConnectProvidersPerAccount", OPENID_PROVIDERS)
    place = f"{url.netloc}{url.path}".rstrip("/")
    row = OpenIdProvider(
        arn=call.arn(f"oidc-provider/{place}", region=""),
        url=place,
        clients=_limited(list(dict.fromkeys(request.get("ClientIDList", []))), _CLIENTS, "ClientIds"),
        thumbprints=_limited(list(request.get("ThumbprintList", [])), _THUMBPRINTS, "Thumbprints"),
        created=call.now // 1000,
        tags=tagging.of_request(request),
    )
    call.records.add(row)
    answer: dict[str, Any] = {"OpenIDConnectProviderArn": row.arn}
    return {**answer, "Tags": tagging.listed(row.tags)} if row.tags else answer


def get_open_id_connect_provider(
    call: Call, request: "shapes.GetOpenIDConnectProviderRequestTypeDef"
) -> dict[str, Any]:
    """Return a provider."""
    row = _get(call, request)
    return {
        "Url": row.url,
        "ClientIDList": row.clients,
        "ThumbprintList": row.thumbprints,
        "CreateDate": moment(row.created),
        "Tags": tagging.listed(row.tags),
    }


def list_open_id_connect_providers(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """List the ARNs of the account's providers."""
    return {"OpenIDConnectProviderList": [{"Arn": row.arn} for row in call.records.list(OpenIdProvider)]}


def add_client_id_to_open_id_connect_provider(
    call: Call, request: "shapes.AddClientIDToOpenIDConnectProviderRequestTypeDef"
) -> None:
    """Add an audience; one that is there already stays."""
    row = _get(call, request)
    clients = list(dict.fromkeys([*row.clients, request["ClientID"]]))
    call.records.change(row, clients=_limited(clients, _CLIENTS, "ClientIds"))


def remove_client_id_from_open_id_connect_provider(
    call: Call, request: "shapes.RemoveClientIDFromOpenIDConnectProviderRequestTypeDef"
) -> None:
    """Take an audience away; one that is not there does not matter."""
    row = _get(call, request)
    call.records.change(row, clients=[client for client in row.clients if client != request["ClientID"]])


def update_open_id_connect_provider_thumbprint(
    call: Call, request: "shapes.UpdateOpenIDConnectProviderThumbprintRequestTypeDef"
) -> None:
    """Set the provider's certificates, in place of all it had."""
    row = _get(call, request)
    thumbprints = _limited(list(request["ThumbprintList"]), _THUMBPRINTS, "Thumbprints")
    call.records.change(row, thumbprints=thumbprints)


def delete_open_id_connect_provider(
    call: Call, request: "shapes.DeleteOpenIDConnectProviderRequestTypeDef"
) -> None:
    """Delete a provider; one that is not there does not matter."""
    row = call.records.find(OpenIdProvider, request["OpenIDConnectProviderArn"])
    if row is not None:
        call.records.remove(row)


def _get(call: Call, request: Any) -> OpenIdProvider:
    return call.records.get(OpenIdProvider, request["OpenIDConnectProviderArn"])


def _limited(values: list[str], limit: int, what: str) -> list[str]:
    if len(values) > limit:
        raise exceeded(f"{what}PerOpenIdConnectProvider", limit)
    return values
