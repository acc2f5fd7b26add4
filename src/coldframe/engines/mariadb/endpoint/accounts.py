"""The accounts of the database as far as the endpoint must know them: digests that let a session sign in elsewhere."""

import asyncio
import re
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from coldframe.engines.database import DatabaseError
from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.client import Client
from coldframe.engines.mariadb.endpoint.token_accounts import TokenAccounts

# What was read so many seconds ago is read anew when it matters.
_FRESH = 1.0
# A star and the digest of a password.
_STORED = 41
_HIDDEN = re.compile(rb"@[0-9a-fA-F]{4}")


class Accounts:
    """Reads them as `own`, the user of the system that the endpoint runs as; `reserved` are users that no client may be.

    `tokens` is there where clients may sign in with tokens.
    """

    def __init__(self, own: str, reserved: Collection[str]) -> None:
        self.own = own
        self._reserved = frozenset(name.encode() for name in reserved)
        self.tokens: TokenAccounts | None = None
        self._digests: dict[bytes, list[bytes]] = {}
        # Users of whom an account requires TLS, as of when they were read last.
        self._encrypted: frozenset[bytes] = frozenset()
        self._read_at = 0.0
        self._refreshing: asyncio.Future[None] | None = None

    def half(self, user: bytes, proof: bytes, salt: bytes) -> bytes | None:
        """Return the first digest of a password out of a proof of it, if an account that we know has it."""
        if not proof:
            return b""
        for stored in self._digests.get(user, ()):
            found = wire.unwrap(proof, salt, stored)
            if found is not None:
                return found
        return None

    def known(self, user: bytes) -> list[bytes]:
        """Return the digests that the database stores for a user's accounts, as far as we know them."""
        return self._digests.get(user, [])

    async def require_tls(self, user: bytes, target: Path) -> bool:
        """Tell whether an account of a user requires TLS (or more of a client's certificate, which nobody can show)."""
        if user not in self._encrypted and time.monotonic() - self._read_at > _FRESH:
            await self.refresh(target)
        return user in self._encrypted

    async def refresh(self, target: Path | None) -> None:
        """Read the accounts' digests; those that wait at the same time share one look."""
        if self._refreshing is None:
            self._refreshing = asyncio.ensure_future(self._read(target))
            self._refreshing.add_done_callback(lambda _: setattr(self, "_refreshing", None))
        await asyncio.shield(self._refreshing)

    async def _read(self, target: Path | None) -> None:
        if target is None:
            return

        def look() -> list[tuple[str, str, str]]:
            with Client(target, user=self.own, timeout=5) as client:
                rows = client.query("SELECT User u, authentication_string a, ssl_type s FROM mysql.user")
                return [(row["u"] or "", row["a"] or "", row["s"] or "") for row in rows]

        with suppress(DatabaseError, OSError):
            found: dict[bytes, list[bytes]] = {}
            encrypted: set[bytes] = set()
            for user, stored, requires in await asyncio.get_running_loop().run_in_executor(None, look):
                if requires:
                    encrypted.add(user.encode())
                with suppress(ValueError):
                    if len(stored) == _STORED:
                        found.setdefault(user.encode(), []).append(bytes.fromhex(stored[1:]))
            self._digests, self._encrypted = found, frozenset(encrypted)
            self._read_at = time.monotonic()

    def is_ours(self, user: bytes) -> bool:
        """Tell whether a name is that of an account of ours, which nobody may be who comes in through here.

        A character set for file names writes any character as `@` and four digits.
        """
        return user in self._reserved or _HIDDEN.search(user) is not None
