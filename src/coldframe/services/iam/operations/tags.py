"""Tags of users, roles, policies, instance profiles, MFA devices, providers and server certificates."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.identity.records import InstanceProfile, MfaDevice, Role, User
from coldframe.services.iam.listing import page
from coldframe.services.iam.policies_in_use import own_policy
from coldframe.services.iam.records import OpenIdProvider, SamlProvider, ServerCertificate
from coldframe.services.iam.tagging import listed, merged, without

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def tag_user(call: Call, request: "shapes.TagUserRequestTypeDef") -> None:
    """Put tags on a user."""
    row = call.records.get(User, request["UserName"])
    call.records.change(row, tags=merged(row.tags, request["Tags"]))


def untag_user(call: Call, request: "shapes.UntagUserRequestTypeDef") -> None:
    """Take tags off a user."""
    row = call.records.get(User, request["UserName"])
    call.records.change(row, tags=without(row.tags, request["TagKeys"]))


def list_user_tags(call: Call, request: "shapes.ListUserTagsRequestTypeDef") -> dict[str, Any]:
    """List the tags of a user by key."""
    return _listed(call, request, call.records.get(User, request["UserName"]).tags)


def tag_role(call: Call, request: "shapes.TagRoleRequestTypeDef") -> None:
    """Put tags on a role, which may be a service-linked one."""
    row = call.records.get(Role, request["RoleName"])
    call.records.change(row, tags=merged(row.tags, request["Tags"]))


def untag_role(call: Call, request: "shapes.UntagRoleRequestTypeDef") -> None:
    """Take tags off a role."""
    row = call.records.get(Role, request["RoleName"])
    call.records.change(row, tags=without(row.tags, request["TagKeys"]))


def list_role_tags(call: Call, request: "shapes.ListRoleTagsRequestTypeDef") -> dict[str, Any]:
    """List the tags of a role by key."""
    return _listed(call, request, call.records.get(Role, request["RoleName"]).tags)


def tag_policy(call: Call, request: "shapes.TagPolicyRequestTypeDef") -> None:
    """Put tags on a managed policy."""
    row = own_policy(call, request["PolicyArn"])
    call.records.change(row, tags=merged(row.tags, request["Tags"]))


def untag_policy(call: Call, request: "shapes.UntagPolicyRequestTypeDef") -> None:
    """Take tags off a managed policy."""
    row = own_policy(call, request["PolicyArn"])
    call.records.change(row, tags=without(row.tags, request["TagKeys"]))


def list_policy_tags(call: Call, request: "shapes.ListPolicyTagsRequestTypeDef") -> dict[str, Any]:
    """List the tags of a managed policy by key."""
    return _listed(call, request, own_policy(call, request["PolicyArn"]).tags)


def tag_instance_profile(call: Call, request: "shapes.TagInstanceProfileRequestTypeDef") -> None:
    """Put tags on an instance profile."""
    row = call.records.get(InstanceProfile, request["InstanceProfileName"])
    call.records.change(row, tags=merged(row.tags, request["Tags"]))


def untag_instance_profile(call: Call, request: "shapes.UntagInstanceProfileRequestTypeDef") -> None:
    """Take tags off an instance profile."""
    row = call.records.get(InstanceProfile, request["InstanceProfileName"])
    call.records.change(row, tags=without(row.tags, request["TagKeys"]))


def list_instance_profile_tags(
    call: Call, request: "shapes.ListInstanceProfileTagsRequestTypeDef"
) -> dict[str, Any]:
    """List the tags of an instance profile by key."""
    return _listed(call, request, call.records.get(InstanceProfile, request["InstanceProfileName"]).tags)


def tag_mfa_device(call: Call, request: "shapes.TagMFADeviceRequestTypeDef") -> None:
    """Put tags on a virtual MFA device."""
    row = call.records.get(MfaDevice, request["SerialNumber"])
    call.records.change(row, tags=merged(row.tags, request["Tags"]))


def untag_mfa_device(call: Call, request: "shapes.UntagMFADeviceRequestTypeDef") -> None:
    """Take tags off a virtual MFA device."""
    row = call.records.get(MfaDevice, request["SerialNumber"])
    call.records.change(row, tags=without(row.tags, request["TagKeys"]))


def list_mfa_device_tags(call: Call, request: "shapes.ListMFADeviceTagsRequestTypeDef") -> dict[str, Any]:
    """List the tags of a virtual MFA device by key."""
    return _listed(call, request, call.records.get(MfaDevice, request["SerialNumber"]).tags)


def tag_open_id_connect_provider(
    call: Call, request: "shapes.TagOpenIDConnectProviderRequestTypeDef"
) -> None:
    """Put tags on an OpenID Connect provider."""
    row = call.records.get(OpenIdProvider, request["OpenIDConnectProviderArn"])
    call.records.change(row, tags=merged(row.tags, request["Tags"]))


def untag_open_id_connect_provider(
    call: Call, request: "shapes.UntagOpenIDConnectProviderRequestTypeDef"
) -> None:
    """Take tags off an OpenID Connect provider."""
    row = call.records.get(OpenIdProvider, request["OpenIDConnectProviderArn"])
    call.records.change(row, tags=without(row.tags, request["TagKeys"]))


def list_open_id_connect_provider_tags(
    call: Call, request: "shapes.ListOpenIDConnectProviderTagsRequestTypeDef"
) -> dict[str, Any]:
    """List the tags of an OpenID Connect provider by key."""
    return _listed(call, request, call.records.get(OpenIdProvider, request["OpenIDConnectProviderArn"]).tags)


def tag_saml_provider(call: Call, request: "shapes.TagSAMLProviderRequestTypeDef") -> None:
    """Put tags on a SAML provider."""
    row = call.records.get(SamlProvider, request["SAMLProviderArn"])
    call.records.change(row, tags=merged(row.tags, request["Tags"]))


def untag_saml_provider(call: Call, request: "shapes.UntagSAMLProviderRequestTypeDef") -> None:
    """Take tags off a SAML provider."""
    row = call.records.get(SamlProvider, request["SAMLProviderArn"])
    call.records.change(row, tags=without(row.tags, request["TagKeys"]))


def list_saml_provider_tags(
    call: Call, request: "shapes.ListSAMLProviderTagsRequestTypeDef"
) -> dict[str, Any]:
    """List the tags of a SAML provider by key."""
    return _listed(call, request, call.records.get(SamlProvider, request["SAMLProviderArn"]).tags)


def tag_server_certificate(call: Call, request: "shapes.TagServerCertificateRequestTypeDef") -> None:
    """Put tags on a server certificate."""
    row = call.records.get(ServerCertificate, request["ServerCertificateName"])
    call.records.change(row, tags=merged(row.tags, request["Tags"]))


def untag_server_certificate(call: Call, request: "shapes.UntagServerCertificateRequestTypeDef") -> None:
    """Take tags off a server certificate."""
    row = call.records.get(ServerCertificate, request["ServerCertificateName"])
    call.records.change(row, tags=without(row.tags, request["TagKeys"]))


def list_server_certificate_tags(
    call: Call, request: "shapes.ListServerCertificateTagsRequestTypeDef"
) -> dict[str, Any]:
    """List the tags of a server certificate by key."""
    return _listed(call, request, call.records.get(ServerCertificate, request["ServerCertificateName"]).tags)


def _listed(call: Call, request: Any, tags: dict[str, str]) -> dict[str, Any]:
    keys, more = page(call, request, tags, str)
    return {"Tags": listed({key: tags[key] for key in keys}), **more}
