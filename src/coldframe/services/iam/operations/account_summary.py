"""What the account has and may have, in numbers."""

from typing import Any

from coldframe.core.call import Call
from coldframe.identity.records import AccessKey, Group, InstanceProfile, ManagedPolicy, MfaDevice, Role, User
from coldframe.services.iam.quotas import quotas
from coldframe.services.iam.records import OpenIdProvider, SamlProvider, ServerCertificate, SigningCertificate


def get_account_summary(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of entities in the account beside its quotas."""
    records = call.records
    policies = records.list(ManagedPolicy)
    devices = records.list(MfaDevice)
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
        "GlobalEndpointTokenVersion": 2,
    }
    return {"SummaryMap": {**counts, **quotas()}}
