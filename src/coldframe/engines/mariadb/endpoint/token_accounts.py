"""Accounts for tokens (engines/sign_in.py): how clients make them, and what the server says of them.

Where Amazon has a plugin of its own, `IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'`, the database gets the digest of a
password that only the server can tell, and tells to who brings a good token. Such an account needs TLS here whatever its
REQUIRE clause says, which the database could not see: it talks to the endpoint alone, over a socket.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from coldframe.engines.endpoint_channel import at_socket
from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint.channel import Channel, Closed

if TYPE_CHECKING:
    from coldframe.engines.mariadb.endpoint.accounts import Accounts

_PATIENCE = 30.0
_NAME = rb"""(?:'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"|`(?:[^`]|``)*`|[\w$.%-]+)"""
_ACCOUNT = rb"(?P<user>" + _NAME + rb")(?P<host>\s*@\s*" + _NAME + rb")?"
_ABOUT_ACCOUNTS = re.compile(rb"\s*(?:/\*[^!M].*?\*/\s*)*(?:create|alter|grant)\b", re.I | re.S)
_PLUGIN = re.compile(
    _ACCOUNT
    + rb"\s+identified\s+(?:with|via)\s+(['\"`]?)awsauthenticationplugin\3(?:\s+(?:as|using)\s+(['\"])rds\4)?",
    re.I | re.S,
)
_REQUIRES = re.compile(rb"\brequire\s+(?:ssl|x509)\b", re.I)
_ALTERED = re.compile(
    rb"\s*alter\s+user\s+(?:if\s+exists\s+)?" + _ACCOUNT + rb"\s+require\s+ssl\s*;?\s*$", re.I
)


class TokenAccounts:
    """What one endpoint knows of accounts for tokens; `judge` is the socket where it asks the server."""

    def __init__(self, judge: Path) -> None:
        self._judge = judge
        self._digests: dict[bytes, bytes] = {}

    async def ask(self, question: Mapping[str, str]) -> dict[str, object]:
        """Ask the server about a user; nothing when it does not answer, so that nobody is let in by token."""
        channel = None
        try:
            channel = Channel(await at_socket(self._judge))
            channel.send(json.dumps(question).encode() + b"\n")
            line = await asyncio.wait_for(channel.line(), _PATIENCE)
        except (Closed, OSError, TimeoutError):
            return {}
        finally:
            if channel is not None:
                channel.close()
        said = json.loads(line)
        return said if isinstance(said, dict) else {}

    async def digest(self, user: bytes) -> bytes:
        """Return the digest by which the database knows an account for tokens of this user; empty when nobody answers."""
        if not self._digests.get(user):
            said = await self.ask({"user": user.decode("utf-8", "surrogateescape")})
            self._digests[user] = bytes.fromhex(str(said.get("native", "")))
        return self._digests[user]

    async def written(self, statement: bytes, accounts: "Accounts") -> bytes:
        """Return a statement about accounts as the database understands it; unchanged when it names none for tokens."""
        if altered := _ALTERED.match(statement):
            user = _plain(altered["user"])
            if await self.digest(user) in accounts.known(user):
                return _REQUIRES.sub(b"REQUIRE NONE", statement)
            return statement
        parts: list[bytes] = []
        at = 0
        for found in _PLUGIN.finditer(statement):
            digest = await self.digest(_plain(found["user"]))
            if not digest:
                return statement
            who = found["user"] + (found["host"] or b"")
            stored = digest.hex().upper().encode()
            parts += [
                statement[at : found.start()],
                who,
                b" IDENTIFIED VIA ",
                wire.NATIVE,
                b" USING '*",
                stored,
                b"'",
            ]
            at = found.end()
        if not parts:
            return statement
        return b"".join([*parts, _REQUIRES.sub(b"", statement[at:])])


def concerned(statement: bytes) -> bool:
    """Tell whether a statement may be about accounts for tokens; quick for all that are not about accounts."""
    if statement[:1] not in b" \t\r\n/cCaAgG" or _ABOUT_ACCOUNTS.match(statement) is None:
        return False
    low = statement.lower()
    return b"awsauthenticationplugin" in low or (b"require" in low and b"ssl" in low)


def _plain(name: bytes) -> bytes:
    """Return a name without its quotes."""
    quote = name[:1]
    if quote not in {b"'", b'"', b"`"}:
        return name
    return re.sub(rb"\\(.)", rb"\1", name[1:-1]).replace(quote * 2, quote)
