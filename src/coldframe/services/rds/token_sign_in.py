"""IAM database authentication: the endpoints ask here whether a token that a client gave as its password is good."""

import logging
from urllib.parse import parse_qs

from coldframe.core import arns
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.offers import SignedUrls
from coldframe.core.records import Records
from coldframe.engines.accounts import service_account
from coldframe.engines.sign_in import SignIns
from coldframe.identity.permissions import Permissions
from coldframe.services.rds.databases import SIGN_IN, Databases
from coldframe.services.rds.records import Cluster, ClusterEndpoint, Endpoint, Instance

LOG = logging.getLogger("coldframe.rds")
_ACTION = "rds-db:connect"
_LONGEST = 900
_LOG_TYPE = "iam-db-auth-error"


class TokenSignIns:
    """Answers at a socket in the folder of every endpoint that takes tokens, until the server ends."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._open: dict[str, SignIns] = {}

    def attend(self, account: str, region: str, endpoint: Endpoint) -> None:
        """Answer the questions of an endpoint; once is enough."""
        if endpoint.id in self._open:
            return
        user = service_account()
        folder = self._installation.parts.get(Databases).door(endpoint).folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

        def judge(name: str, token: str) -> bool:
            why = self._refusal(account, region, endpoint, name, token)
            if why:
                LOG.info("a token for %s was refused: %s", name, why)
                self._note(
                    account, region, endpoint, f"[ERROR] IAM authentication failed for user {name!r}: {why}"
                )
            return not why

        secret = self._installation.seal.key("rds: accounts for tokens")
        self._open[endpoint.id] = SignIns(folder / SIGN_IN, user, secret, judge)

    def close(self) -> None:
        """Answer no more."""
        while self._open:
            self._open.popitem()[1].close()

    def _refusal(self, account: str, region: str, endpoint: Endpoint, user: str, token: str) -> str:
        """Return why a token lets nobody in, "" for one that does.

        One that does is for this endpoint and user, is signed, is young, and its signer may connect.
        """
        host, _, query = token.partition("/?")
        said = {name: values[0] for name, values in parse_qs(query).items()}
        if host != f"{endpoint.address}:{endpoint.port}" or said.get("DBUser") != user:
            return "the token is for another endpoint or user, or is none"
        if said.get("Action") != "connect" or int(said.get("X-Amz-Expires", "0")) > _LONGEST:
            return "the token is no token to connect, or for too long"
        try:
            signer, signed_for = self._installation.parts.get(SignedUrls).signer(token, "rds-db")
        except ServiceFault as fault:
            return f"the token's signature is not good ({fault.code})"
        owner = self._owner(account, region, endpoint)
        if not owner or signed_for != region:
            return "the token is for another region, or tokens are not taken"
        resource = f"arn:{arns.partition_of(region)}:rds-db:{region}:{account}:dbuser:{owner}/{user}"
        permissions = self._installation.parts.get(Permissions)
        if not permissions.decide(signer, _ACTION, resource, context={}).allowed:
            return f"{signer.arn} may not {_ACTION} on {resource}"
        return ""

    def _note(self, account: str, region: str, endpoint: Endpoint, text: str) -> None:
        """Write a refusal into the log iam-db-auth-error of the instance, or of the cluster's writer, where it is wanted."""
        databases = self._installation.parts.get(Databases)
        with self._installation.store.read() as transaction:
            records = transaction.records(account, region)
            rows = records.list(Instance)
            found = next((row for row in rows if row.endpoint == endpoint.id), None)
            cluster = next(
                (row for row in records.list(Cluster) if _belongs(records, row, endpoint, found)), None
            )
        if found is None and cluster is not None:
            found = next((row for row in rows if row.resource_id == cluster.writer), None)
        if found is None:
            return
        about = cluster.about if cluster is not None else found.about
        if _LOG_TYPE in about.get("EnabledCloudwatchLogsExports", ()):
            upkeep = databases.engine(found.engine).log_upkeep
            upkeep.note(databases.spec(found), databases.clock.seconds(), text)

    def _owner(self, account: str, region: str, endpoint: Endpoint) -> str:
        """Return the resource id that policies name for an endpoint: the instance's, or the cluster's for all of its own."""
        with self._installation.store.read() as transaction:
            records = transaction.records(account, region)
            found = next((row for row in records.list(Instance) if row.endpoint == endpoint.id), None)
            if found is not None:
                return (found.cluster or found.resource_id) if found.token_sign_in else ""
            for row in records.list(Cluster):
                if row.token_sign_in and _belongs(records, row, endpoint, None):
                    return row.resource_id
        return ""


def _belongs(records: Records, cluster: Cluster, endpoint: Endpoint, member: Instance | None) -> bool:
    """Tell whether an endpoint is one of a cluster, or of a member of it."""
    if member is not None:
        return member.cluster == cluster.resource_id
    custom = records.list(ClusterEndpoint, where={"cluster": cluster.resource_id})
    names = {cluster.endpoint, cluster.reader_endpoint, *(each.endpoint for each in custom)}
    return endpoint.id in names


def attend_all(installation: Installation) -> None:
    """Answer for every endpoint that takes tokens."""
    with installation.store.read() as transaction:
        rows = transaction.records("", "").everywhere(Endpoint)
    attending = installation.parts.get(TokenSignIns)
    for account, region, row in rows:
        if row.tokens:
            attending.attend(account, region, row)
