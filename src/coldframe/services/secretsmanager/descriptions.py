"""How secrets are described: by DescribeSecret and in listings."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.secretsmanager import schedules
from coldframe.services.secretsmanager.accesses import Accesses
from coldframe.services.secretsmanager.lookup import arn_of
from coldframe.services.secretsmanager.records import NEVER, Secret

_DAY = 86_400_000


def described(call: Call, account: str, secret: Secret) -> dict[str, Any]:
    """Return what all answers say of a secret; a field without a value is left out, as AWS does."""
    answer: dict[str, Any] = {
        "ARN": arn_of(call, account, secret),
        "Name": secret.name,
        "LastChangedDate": secret.changed / 1000,
        "CreatedDate": secret.created / 1000,
    }
    optional = {
        "Description": secret.description,
        "KmsKeyId": secret.kms_key,
        "OwningService": secret.owner,
        "Type": secret.type,
        "PrimaryRegion": secret.primary or (call.region if secret.replicas else ""),
    }
    answer |= {member: value for member, value in optional.items() if value}
    answer |= schedules.described(secret)
    accessed = max(secret.accessed, call.part(Accesses).of_secret(account, call.region, secret))
    if accessed:
        # AWS tells the day only.
        answer["LastAccessedDate"] = (accessed - accessed % _DAY) / 1000
    if secret.due != NEVER:
        answer["DeletedDate"] = secret.due / 1000
    if secret.tags or secret.tagged:
        answer["Tags"] = [{"Key": key, "Value": value} for key, value in secret.tags.items()]
    return answer


def labelled(secret: Secret) -> dict[str, list[str]]:
    """Return the versions that have labels."""
    return {version: labels for version, labels in secret.stages.items() if labels}
