"""Who signed a URL that is no request to this server, such as a token for a database (a core.offers.SignedUrls)."""

from datetime import UTC, datetime

from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.wire import WireRequest
from coldframe.gateway.authenticate import claim
from coldframe.gateway.signature import Expectation, Secret, verify
from coldframe.identity import credentials
from coldframe.identity.caller import Caller


class GatewaySignedUrls:
    """Checks presigned URLs as the gateway checks presigned requests."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def signer(self, url: str, service: str) -> tuple[Caller, str]:
        """Return who signed a URL; see core.offers.SignedUrls."""
        host, slash, rest = url.partition("/")
        path, _, query = f"{slash}{rest}".partition("?")
        request = WireRequest("GET", path or "/", query, {"host": host}, b"")
        claimed = claim(request)

        def find_secret(access_key_id: str) -> Secret | None:
            token = claimed.token if claimed else None
            found = credentials.find(self._installation, access_key_id, token)
            if found is None:
                return None
            return Secret(found.key, found.principal, found.token, found.expires)

        now = datetime.fromtimestamp(self._installation.clock.seconds(), UTC)
        verified = verify(
            request, find_secret, now, expected=Expectation("query", services=frozenset({service}))
        )
        if not isinstance(verified.principal, Caller):
            raise ServiceFault("MissingAuthenticationToken", "Missing Authentication Token", status=403)
        return verified.principal, verified.region
