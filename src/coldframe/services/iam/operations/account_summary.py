"""What the account has and may have, in numbers, one of which can be set: the version of its session tokens."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.identity.records import AccessKey, Group, InstanceProfile, ManagedPolicy, MfaDevice, Role, User
from coldframe.services.iam.quotas import quotas
from coldframe.services.iam.records import (
    OpenIdProvider,
    SamlProvider,
    ServerCertificate,
    SigningCertificate,
    TokenPreference,
)

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def get_account_summary(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of entities in the account beside its quotas."""
    records = call.records
    policies = records.list(ManagedPolicy)
    devices = records.list(MfaDevice)
    preference = records.find(TokenPreference, call.account)
    root_keys = records.count(AccessKey, where={"account": call.account, "user": ""})
    counts = {
        "AccountAccessKeysPresent": int(root_keys > 0),
        "AccountMFAEnabled": 0,
        "AccountPasswordPresent": 0,
        "AccountSigningCertificatesPresent": int(records.count(SigningCertificate, where={"user": ""}) > 0),
        "Groups": records.count(Group),
        "InstanceProfiles": records.count(InstanceProfile),
        "MFADevices": len(devices),
        "MFADevicesInUse": sum(bool(device.user) for device in devices),
        "Policies": len(policies),
        "PolicyVersionsInUse": sum(len(policy.documents) for policy in policies),
        "Providers": records.count(OpenIdProvider) + records.count(SamlProvider),
        "Roles": records.count(Role),
        "ServerCertificates": records.count(ServerCertificate),
        "Users": records.count(User),
        "GlobalEndpointTokenVersion": preference.version if preference is not None else 1,
    }
    return {"SummaryMap": {**counts, **quotas()}}


def set_security_token_service_preferences(
    call: Call, request: "shapes.SetSecurityTokenServicePreferencesRequestTypeDef"
) -> None:
    """Set the version of session tokens from the global endpoint.

    Tokens of version 1 are for Regions that need not be enabled first, and here none need it, so that both are valid in all.
    """
    version = int(request["GlobalEndpointTokenVersion"][1])
    call.records.put(TokenPreference(account=call.account, version=version))
