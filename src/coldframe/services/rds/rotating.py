"""Rotation of master passwords that RDS manages: the next one is made in the secret, then the database takes it, then it is current.

The password is in the secret alone: AWSPENDING until the database has it. So each step finds what it needs there, however often
it is done, and whoever reads the secret after a crash has the password that the database takes, or took before, until the job
goes on. Sessions stay.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from coldframe.core.client_errors import ClientError, status_of
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.database import Login
from coldframe.identity.caller import Caller
from coldframe.jobs.run import Run
from coldframe.services.rds import master_secrets
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Cluster, Instance

LOG = logging.getLogger("coldframe.rds")
_CURRENT, _PENDING = "AWSCURRENT", "AWSPENDING"
ROTATING, IMPAIRED = "rotating", "impaired"


class PasswordRotator:
    """Rotates the master passwords that RDS keeps in secrets (a core.offers.ManagedPasswords)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def client(self, account: str, region: str) -> Any:
        """Return a client of Secrets Manager that acts as RDS in an account.

        AWS takes on the service-linked role AWSServiceRoleForRDS; here it is the account itself, as free of service control
        policies as that.
        """
        assert self._installation.clients is not None, "the server has clients before jobs run"
        arn = f"arn:aws:iam::{account}:root"
        principal = Caller(kind="root", arn=arn, account=account, user_id=account, service_linked=True)
        return self._installation.clients("secretsmanager", principal=principal, region=region, via="rds")

    def rotate(self, records: Records, secret: str, version: str) -> None:
        """Begin to rotate the password that a secret keeps; see core.offers.ManagedPasswords."""
        from coldframe.services.rds import jobs

        databases = self._installation.parts.get(Databases)
        for instance in records.list(Instance):
            if instance.secret == secret and not instance.cluster:
                _refuse(instance, "DB instance")
                begun = begin(records, instance)
                records.change(begun, pending={**begun.pending, "MasterUserPassword": "****"})
                databases.begin(records, jobs.apply_pending, instance.resource_id, [], "", version)
                return
        for cluster in records.list(Cluster):
            if cluster.secret == secret:
                _refuse(cluster, "DB cluster")
                begin(records, cluster)
                databases.begin(records, jobs.change_cluster, cluster.resource_id, "", 0, "", version)
                return
        raise ServiceFault("InvalidRequestException", "No database has the password of this secret.")


def begin(records: Records, found: Any) -> Any:
    """Say of an instance or a cluster that its password is being rotated; returns it."""
    return records.change(found, secret_status=ROTATING, status="resetting-master-credentials")


def rotate(run: Run, found: Instance | Cluster, version: str, give: Callable[[Login], None]) -> str:
    """Rotate the master password of an instance or a cluster; returns why it stays as it was, "" when it does not.

    `give` lets the database take a login; it may be called again.
    """
    secret = found.secret
    refused = run.step("make the next password", make, run, secret, found.master, version)
    if refused:
        LOG.warning("the master password of %s was not rotated: %s", found.identifier, refused)
        return refused
    run.step("let the database take it", lambda: give(login(run, secret, version)))
    run.step("make it the current one", finish, run, secret, version)
    return ""


def make(run: Run, secret: str, master: str, version: str) -> str:
    """Make the next password, AWSPENDING in its secret; returns why that is refused, "" when it is there. For a step."""
    client = run.part(PasswordRotator).client(run.account, run.region)
    try:
        if version not in _stages(client, secret):
            client.put_secret_value(
                SecretId=secret,
                ClientRequestToken=version,
                SecretString=master_secrets.content(master, master_secrets.new_password()),
                VersionStages=[_PENDING],
            )
    except ClientError as error:
        if status_of(error) >= 500:
            raise
        return str(error.response["Error"].get("Message") or error)
    return ""


def login(run: Run, secret: str, version: str) -> Login:
    """Return the master user with the password of a version."""
    client = run.part(PasswordRotator).client(run.account, run.region)
    found = json.loads(client.get_secret_value(SecretId=secret, VersionId=version)["SecretString"])
    return Login(found["username"], found["password"])


def finish(run: Run, secret: str, version: str) -> None:
    """Make a version that the database has taken the current one. For a step."""
    client = run.part(PasswordRotator).client(run.account, run.region)
    stages = _stages(client, secret)
    current = next((name for name, labels in stages.items() if _CURRENT in labels), "")
    if current != version:
        client.update_secret_version_stage(
            SecretId=secret, VersionStage=_CURRENT, MoveToVersionId=version, RemoveFromVersionId=current
        )
    if _PENDING in stages.get(version, ()):
        client.update_secret_version_stage(
            SecretId=secret, VersionStage=_PENDING, RemoveFromVersionId=version
        )


def _stages(client: Any, secret: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = client.describe_secret(SecretId=secret).get("VersionIdsToStages", {})
    return found


def _refuse(found: Instance | Cluster, what: str) -> None:
    if found.secret_status == ROTATING:
        raise ServiceFault(
            "InvalidRequestException",
            "A previous rotation isn't complete. That rotation will be reattempted.",
        )
    if found.status != "available":
        raise ServiceFault(
            "InvalidRequestException",
            f"The {what} {found.identifier} is not in available state: its password can't be rotated now.",
        )
