"""IAM database authentication: the endpoints ask here whether a token that a client gave as its password is good."""

import logging
from urllib.parse import parse_qs

from coldframe.core import arns
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.offers import SignedUrls
from coldframe.engines.accounts import service_account
from coldframe.engines.sign_in import SignIns
from coldframe.identity.permissions import Permissions
from coldframe.services.rds.databases import SIGN_IN, Databases
from coldframe.services.rds.records import Cluster, ClusterEndpoint, Endpoint, Instance

LOG = logging.getLogger("coldframe.rds")
_ACTION = "rds-db:connect"
_LONGEST = 900


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
            return self._good(account, region, endpoint, name, token)

        secret = self._installation.seal.key("rds: accounts for tokens")
        self._open[endpoint.id] = SignIns(folder / SIGN_IN, user, secret, judge)

    def close(self) -> None:
        """Answer no more."""
        while self._open:
            self._open.popitem()[1].close()

    def _good(self, account: str, region: str, endpoint: Endpoint, user: str, token: str) -> bool:
        """Tell whether a token is for this endpoint and user, is signed, is young, and whether its signer may connect."""
        host, _, query = token.partition("/?")
        said = {name: values[0] for name, values in parse_qs(query).items()}
        if host != f"{endpoint.address}:{endpoint.port}" or said.get("DBUser") != user:
            return False
        if said.get("Action") != "connect" or int(said.get("X-Amz-Expires", "0")) > _LONGEST:
            return False
        try:
            signer, signed_for = self._installation.parts.get(SignedUrls).signer(token, "rds-db")
        except ServiceFault as fault:
            LOG.info("a token for %s was refused: %s", user, fault.code)
            return False
        owner = self._owner(account, region, endpoint)
        if not owner or signed_for != region:
            return False
        resource = f"arn:{arns.partition_of(region)}:rds-db:{region}:{account}:dbuser:{owner}/{user}"
        permissions = self._installation.parts.get(Permissions)
        return permissions.decide(signer, _ACTION, resource, context={}).allowed

    def _owner(self, account: str, region: str, endpoint: Endpoint) -> str:
        """Return the resource id that policies name for an endpoint: the instance's, or the cluster's for all of its own."""
        with self._installation.store.read() as transaction:
            records = transaction.records(account, region)
            found = next((row for row in records.list(Instance) if row.endpoint == endpoint.id), None)
            if found is not None:
                return (found.cluster or found.resource_id) if found.token_sign_in else ""
            for row in records.list(Cluster):
                custom = records.list(ClusterEndpoint, where={"cluster": row.resource_id})
                names = {row.endpoint, row.reader_endpoint, *(each.endpoint for each in custom)}
                if endpoint.id in names and row.token_sign_in:
                    return row.resource_id
        return ""


def attend_all(installation: Installation) -> None:
    """Answer for every endpoint that takes tokens."""
    with installation.store.read() as transaction:
        rows = transaction.records("", "").everywhere(Endpoint)
    attending = installation.parts.get(TokenSignIns)
    for account, region, row in rows:
        if row.tokens:
            attending.attend(account, region, row)
