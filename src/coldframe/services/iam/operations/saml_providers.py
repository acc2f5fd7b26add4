"""SAML providers, as records with their metadata documents."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree as Xml
from defusedxml.common import DefusedXmlException

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.iam import tagging
from coldframe.services.iam.answers import moment
from coldframe.services.iam.quotas import SAML_PROVIDERS, exceeded
from coldframe.services.iam.records import SamlProvider

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes

# Metadata that names no end is good for a hundred years, as AWS has it.
_CENTURY = 100 * 365 * 24 * 3600
_ROOTS = ("}EntityDescriptor", "}EntitiesDescriptor")


def create_saml_provider(call: Call, request: "shapes.CreateSAMLProviderRequestTypeDef") -> dict[str, Any]:
    """Record a provider by its metadata document."""
    _refuse_keys(request)
    if call.records.count(SamlProvider) >= SAML_PROVIDERS:
        raise exceeded("SAMLProvidersPerAccount", SAML_PROVIDERS)
    document = request["SAMLMetadataDocument"]
    row = SamlProvider(
        arn=call.arn(f"saml-provider/{request['Name']}", region=""),
        id=ids.unique_id("ASP"),
        document=document,
        created=call.now // 1000,
        valid_until=_valid_until(document, call.now // 1000),
        encryption=request.get("AssertionEncryptionMode", ""),
        tags=tagging.of_request(request),
    )
    call.records.add(row)
    answer: dict[str, Any] = {"SAMLProviderArn": row.arn}
    return {**answer, "Tags": tagging.listed(row.tags)} if row.tags else answer


def get_saml_provider(call: Call, request: "shapes.GetSAMLProviderRequestTypeDef") -> dict[str, Any]:
    """Return a provider with its metadata document."""
    row = call.records.get(SamlProvider, request["SAMLProviderArn"])
    answer = {
        "SAMLProviderUUID": row.id,
        "SAMLMetadataDocument": row.document,
        "CreateDate": moment(row.created),
        "ValidUntil": moment(row.valid_until),
        "Tags": tagging.listed(row.tags),
    }
    return {**answer, "AssertionEncryptionMode": row.encryption} if row.encryption else answer


def list_saml_providers(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """List the account's providers."""
    return {
        "SAMLProviderList": [
            {"Arn": row.arn, "ValidUntil": moment(row.valid_until), "CreateDate": moment(row.created)}
            for row in call.records.list(SamlProvider)
        ]
    }


def update_saml_provider(call: Call, request: "shapes.UpdateSAMLProviderRequestTypeDef") -> dict[str, Any]:
    """Set a provider's metadata document."""
    _refuse_keys(request)
    row = call.records.get(SamlProvider, request["SAMLProviderArn"])
    document = request.get("SAMLMetadataDocument", row.document)
    call.records.change(
        row,
        document=document,
        valid_until=_valid_until(document, row.created),
        encryption=request.get("AssertionEncryptionMode", row.encryption),
    )
    return {"SAMLProviderArn": row.arn}


def delete_saml_provider(call: Call, request: "shapes.DeleteSAMLProviderRequestTypeDef") -> None:
    """Delete a provider; roles that trust it cannot be taken on through it any more."""
    call.records.remove(call.records.get(SamlProvider, request["SAMLProviderArn"]))


def _refuse_keys(request: Any) -> None:
    if "AddPrivateKey" in request or "RemovePrivateKey" in request:
        raise NotBuilt("Private keys of SAML providers are not built in coldframe.")


def _valid_until(document: str, created: int) -> int:
    """Return until when the metadata is good; raises InvalidInput for what is no SAML metadata."""
    try:
        root = Xml.fromstring(document)
        if not root.tag.endswith(_ROOTS):
            raise ServiceFault(
                "InvalidInput", "The document is no SAML metadata: its root is not a descriptor."
            )
        text = root.get("validUntil")
        return int(datetime.fromisoformat(text).timestamp()) if text else created + _CENTURY
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ServiceFault("InvalidInput", f"Could not parse metadata: {error}") from error
