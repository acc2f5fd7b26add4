"""From a SecretId to the secret: a name, an ARN, or an ARN without its last six characters."""

import re
import secrets
import string

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.secretsmanager.records import NEVER, Secret

NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}", re.ASCII)
_SUFFIXED = re.compile(r"(.+)-([A-Za-z0-9]{6})", re.DOTALL)


def missing(message: str = "Secrets Manager can't find the specified secret.") -> ServiceFault:
    """Return the fault for a secret or a value that is not there."""
    return ServiceFault("ResourceNotFoundException", message)


def invalid_request(message: str) -> ServiceFault:
    """Return the fault for a request that the secret's state does not allow."""
    return ServiceFault("InvalidRequestException", message)


def invalid_parameter(message: str) -> ServiceFault:
    """Return the fault for a parameter that contradicts others."""
    return ServiceFault("InvalidParameterException", message)


def arn_of(call: Call, account: str, secret: Secret) -> str:
    """Return the ARN of a secret."""
    return named_arn(call, account, f"{secret.name}-{secret.suffix}")


def arn_in(call: Call, account: str, region: str, secret: Secret) -> str:
    """Return the ARN that a secret has in a Region."""
    return f"arn:{call.partition}:secretsmanager:{region}:{account}:secret:{secret.name}-{secret.suffix}"


def arn_of_row(secret: Secret, account: str, region: str) -> str:
    """Return the ARN of a secret for work of the service's own."""
    partition = arns.partition_of(region)
    return f"arn:{partition}:secretsmanager:{region}:{account}:secret:{secret.name}-{secret.suffix}"


def named_arn(call: Call, account: str, name: str) -> str:
    """Return the ARN of a name with its suffix."""
    return f"arn:{call.partition}:secretsmanager:{call.region}:{account}:secret:{name}"


def new_suffix() -> str:
    """Return the six random characters that end an ARN."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(6))


def account_of(call: Call, secret_id: str) -> str:
    """Return the account that a SecretId means."""
    return _parts(call, secret_id)[0]


def committed(call: Call, secret_id: str) -> Secret | None:
    """Return the committed secret that a SecretId means, for what comes before a transaction; None if there is none."""
    account, names = _parts(call, secret_id)
    for name, suffix in names:
        found = call.installation.store.cached(Secret, account, call.region, name)
        if found is not None and suffix in {"", found.suffix} and found.due > call.now:
            return found
    return None


def present(call: Call, secret_id: str) -> Secret:
    """Return the committed secret, whether or not it waits for its deletion; raises ResourceNotFoundException."""
    found = committed(call, secret_id)
    if found is None:
        raise missing()
    return found


def usable(call: Call, secret_id: str) -> Secret:
    """Return the committed secret; raises InvalidRequestException for one that waits for its deletion."""
    found = present(call, secret_id)
    if found.due != NEVER:
        raise invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    return found


def changeable(call: Call, secret_id: str) -> Secret:
    """Return the committed secret for a change; raises InvalidRequestException for a service's own and for a replica."""
    found = usable(call, secret_id)
    check_owner(call, found)
    check_primary(found)
    return found


def check_primary(secret: Secret) -> None:
    """Raise InvalidRequestException for a replica, which only its primary secret changes."""
    if secret.primary:
        raise invalid_request(
            "Operation not permitted on a replica secret. Call must be made in primary secret's region."
        )


def check_owner(call: Call, secret: Secret) -> None:
    """Raise InvalidRequestException unless the caller may change the secret: one of a service is changed by it alone."""
    if secret.owner and call.via != secret.owner:
        raise invalid_request(
            f"You can't perform this operation on the secret because it is managed by {secret.owner}."
        )


def _parts(call: Call, secret_id: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the account, and the names with the suffix each must have (empty: any) in the order to look for them."""
    if not secret_id.startswith("arn:"):
        if NAME.fullmatch(secret_id) is None:
            raise no_name()
        return call.account, [(secret_id, "")]
    try:
        arn = arns.parse(secret_id)
    except ValueError:
        raise _no_arn() from None
    kind, _, name = arn.resource.partition(":")
    if arn.service != "secretsmanager" or kind != "secret" or not name:
        raise _no_arn()
    if arn.region != call.region:
        raise missing()
    suffixed = _SUFFIXED.fullmatch(name)
    whole = [(suffixed[1], suffixed[2])] if suffixed else []
    return arn.account, [*whole, (name, "")]


def no_name() -> ServiceFault:
    """Return the fault for a name that no secret can have."""
    return ServiceFault(
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    )


def _no_arn() -> ServiceFault:
    return ServiceFault(
        "ValidationException", "Invalid ARN: the SecretId is neither a name nor the ARN of a secret."
    )
