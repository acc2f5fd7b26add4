"""The keys of a fake kernel, and what keeps them alive."""

import itertools
from collections.abc import Callable
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import rsa


class FakeKey:
    """One key of a fake kernel: with its secret, in user memory."""

    def __init__(self, serial: int, kind: str, description: str, uid: int, gid: int, mask: int) -> None:
        self.serial, self.kind, self.description = serial, kind, description
        self.uid, self.gid, self.mask = uid, gid, mask
        self.payload = b""
        self.secret: rsa.RSAPrivateKey | None = None
        self.public: rsa.RSAPublicKey | None = None
        self.expires: float | None = None
        self.revoked = self.gone = False
        self.links: dict[tuple[str, str], int] = {}
        self.restriction: tuple[str | None, str | None] | None = None

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from others in a keyring."""
        return self.kind, self.description

    @property
    def size(self) -> int:
        """What the kernel charges: a name with its end, the payload (asymmetric keys count as 100), 4 bytes a link."""
        content = 100 if self.kind == "asymmetric" else len(self.payload)
        return len(self.description) + 1 + content + 4 * len(self.links)


class Owner(Protocol):
    """A process, as far as its keys need it: its user, and the keyrings that it holds by their special numbers."""

    uid: int
    gid: int
    held: dict[int, int]


class Keys:
    """All keys of one fake kernel."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        private_keys: bool = True,
        most_keys: int = 200,
        most_bytes: int = 20_000,
    ) -> None:
        self.clock = clock
        self.private_keys = private_keys
        self.most_keys, self.most_bytes = most_keys, most_bytes
        self.keys: dict[int, FakeKey] = {}
        self.users: dict[int, tuple[int, int]] = {}
        self.processes: list[Owner] = []
        self._serials = itertools.count(1001)

    def make(self, kind: str, description: str, owner: Owner, mask: int) -> FakeKey:
        """Make a key without links; `collect` takes it away again unless somebody links it."""
        made = FakeKey(next(self._serials), kind, description, owner.uid, owner.gid, mask)
        self.keys[made.serial] = made
        return made

    def user_keyrings(self, owner: Owner) -> tuple[int, int]:
        """Return a user's keyring and default session keyring, made when first asked for."""
        if owner.uid not in self.users:
            ring = self.make("keyring", f"_uid.{owner.uid}", owner, 0x1F3F0000)
            session = self.make("keyring", f"_uid_ses.{owner.uid}", owner, 0x1F3F0000)
            session.links[ring.name] = ring.serial
            self.users[owner.uid] = (ring.serial, session.serial)
        return self.users[owner.uid]

    def collect(self) -> None:
        """Destroy what nothing holds any more, as the kernel's garbage collector does."""
        alive: set[int] = set()
        wanted = [serial for pair in self.users.values() for serial in pair]
        wanted += [serial for process in self.processes for serial in process.held.values()]
        while wanted:
            key = self.keys.get(wanted.pop())
            if key is None or key.gone or key.serial in alive:
                continue
            alive.add(key.serial)
            key.links = {
                name: at for name, at in key.links.items() if at in self.keys and not self.keys[at].gone
            }
            wanted += key.links.values()
        self.keys = {serial: key for serial, key in self.keys.items() if serial in alive}
