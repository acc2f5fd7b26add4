"""Clients of other services that act as SNS itself on behalf of a topic, or as a role that trusts it."""

import threading
from collections import OrderedDict
from typing import Any

from coldframe.core.installation import Installation
from coldframe.identity.caller import Caller
from coldframe.identity.service_roles import assume

_MOST = 64
_RENEWED_AFTER = 600.0


class Connections:
    """Keeps the clients that were used last; making one takes ten times as long as a call."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._kept: OrderedDict[tuple[str, str, str, str], tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def client(self, service: str, region: str, topic_arn: str, role: str = "") -> Any:
        """Return a client; one of a role is made anew after ten minutes, so that a changed trust takes effect."""
        key, now = (service, region, topic_arn, role), self._installation.clock.seconds()
        with self._lock:
            found = self._kept.get(key)
            if found is not None and (not role or now - found[0] < _RENEWED_AFTER):
                self._kept.move_to_end(key)
                return found[1]
        principal = Caller(kind="service", arn="sns.amazonaws.com", source_arn=topic_arn)
        if role:
            principal = assume(self._installation, role, principal, region)
        assert self._installation.clients is not None, "the server has clients before it delivers"
        made = self._installation.clients(service, principal=principal, region=region)
        with self._lock:
            self._kept[key] = (now, made)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return made
