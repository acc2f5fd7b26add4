"""Roles that AWS services take on: by AssumeRole of STS, so that the role's trust policy decides."""

from coldframe.core.installation import Installation
from coldframe.identity import credentials
from coldframe.identity.caller import Caller

_HOUR = 3600


def assume(installation: Installation, role_arn: str, service: Caller, region: str) -> Caller:
    """Return the principal that a service is once it has taken on a role.

    Raises the client's error of AssumeRole where the role is not there or does not trust the service.
    """
    assert installation.clients is not None, "the server has clients before services act"
    sts = installation.clients("sts", principal=service, region=region)
    name = service.arn.partition(".")[0]
    given = sts.assume_role(RoleArn=role_arn, RoleSessionName=name, DurationSeconds=_HOUR)["Credentials"]
    found = credentials.find(installation, given["AccessKeyId"], given["SessionToken"])
    assert found is not None, "these credentials were made a moment ago"
    return found.principal
