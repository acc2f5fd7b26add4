"""Encrypted storage as jobs need it: folders made, opened with the key that KMS unwraps, and closed when nobody is at work there.

The data key in clear is in this process for as long as it takes to hand it to the kernel, which then holds it for the file
system. It stays there when this server ends, as the databases do, and is gone after a boot.
"""

import base64
import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coldframe.core.client_errors import ClientError
from coldframe.core.installation import Installation
from coldframe.engines import encrypted_folders
from coldframe.engines.database import DatabaseError
from coldframe.engines.encrypted_folders import EncryptedFolderError, Impossible
from coldframe.identity.caller import Caller
from coldframe.services.rds.wrapped_keys import CONTEXT, SERVICE, StorageKey

LOG = logging.getLogger("coldframe.rds")
# What KMS answers as long as a key is as it is; anything else may be over in a moment.
_REFUSED = frozenset(
    {
        "AccessDeniedException",
        "DisabledException",
        "InvalidCiphertextException",
        "KMSInvalidStateException",
        "KeyUnavailableException",
        "NotFoundException",
    }
)
# How long files may be open still when a key is to go, in seconds.
_LETTING_GO = 5.0


class KeyInaccessible(DatabaseError):
    """KMS does not give RDS the data key of encrypted storage: its KMS key is disabled, to be deleted, gone, or not for RDS."""


class Encryption:
    """The encrypted folders below `root`, the folder of the databases."""

    def __init__(self, installation: Installation, root: Path) -> None:
        self._installation = installation
        self._root = root
        # Held by whoever gives the kernel a key or takes one; the jobs at work with a key, by its name, and the keys that
        # are to go when none is.
        self._lock = threading.Lock()
        self._at_work: Counter[str] = Counter()
        self._leaving: set[str] = set()

    def obstacle(self) -> Impossible | None:
        """Return why no database can have encrypted storage here, and what to do; None when they can."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return encrypted_folders.obstacle(self._root)

    def make_folder(self, folder: Path, key: StorageKey | None) -> None:
        """Make a folder that is encrypted under a key, and open it; leave one to whoever writes in it where there is no key.

        Done again it changes nothing. Raises DatabaseError; KeyInaccessible where KMS does not give the key.
        """
        if key is None:
            return
        with self._lock, _told():
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True)
            if not self._is_open(folder, key):
                encrypted_folders.make_folder(folder, self._opened(key))

    def unlock(self, folder: Path, key: StorageKey | None) -> None:
        """Open an encrypted folder, if it is there, until `lock`; nothing where there is no key.

        Raises DatabaseError for a folder that is in clear although it must not be, KeyInaccessible where KMS does not give
        the key.
        """
        if key is not None and folder.exists():
            with self._lock, _told():
                self._leaving.discard(key.name)
                self._unlock(folder, key)

    def closed(self, key: StorageKey | None) -> bool:
        """Tell whether what a key encrypts cannot be read now; never where there is no key."""
        return key is not None and not encrypted_folders.unlocked(self._root, key.name)

    def lock(self, key: StorageKey | None) -> None:
        """Take a key from the kernel, so that nothing that it encrypts can be read; at the end of the jobs that are at work."""
        if key is None:
            return
        with self._lock:
            if self._at_work[key.name]:
                self._leaving.add(key.name)
            else:
                self._remove(key)

    @contextlib.contextmanager
    def open(self, folder: Path, key: StorageKey | None) -> Iterator[None]:
        """Have an encrypted folder open for a time: afterwards it is as it was, open where its database runs. As `unlock`."""
        if key is None:
            yield
            return
        with self._lock:
            if not encrypted_folders.unlocked(self._root, key.name):
                self._leaving.add(key.name)
            self._at_work[key.name] += 1
        try:
            if folder.exists():
                with self._lock, _told():
                    self._unlock(folder, key)
            yield
        finally:
            with self._lock:
                self._at_work[key.name] -= 1
                if not self._at_work[key.name] and key.name in self._leaving:
                    self._remove(key)

    def retire(self, key: StorageKey) -> None:
        """Give up the grant for a KMS key, when nothing that it opens is there any more."""
        # It may be gone with its KMS key, or have been revoked.
        try:
            self._client(key).retire_grant(KeyId=key.kms_key, GrantId=key.grant)
        except ClientError as error:
            LOG.info("the grant of %s for %s is not there: %s", key.owner, key.kms_key, error)

    def _is_open(self, folder: Path, key: StorageKey) -> bool:
        return encrypted_folders.key_of(folder) == key.name and encrypted_folders.unlocked(folder, key.name)

    def _unlock(self, folder: Path, key: StorageKey) -> None:
        if not self._is_open(folder, key):
            encrypted_folders.unlock(folder, self._opened(key))

    def _remove(self, key: StorageKey) -> None:
        self._leaving.discard(key.name)
        began, pause = time.monotonic(), threading.Event()
        # Processes that were ended let go of their files a moment later, and somebody may be having a look.
        while encrypted_folders.remove_key(self._root, key.name) is not None:
            if time.monotonic() - began > _LETTING_GO:
                LOG.warning(
                    "the key of %s is gone, but files that it encrypts are still open and can be read there",
                    key.owner,
                )
                return
            pause.wait(0.02)

    def _opened(self, key: StorageKey) -> bytes:
        try:
            answer = self._client(key).decrypt(
                KeyId=key.kms_key,
                CiphertextBlob=base64.b64decode(key.wrapped),
                EncryptionContext={CONTEXT: key.owner},
            )
        except ClientError as error:
            told = error.response["Error"]
            if told["Code"] not in _REFUSED:
                raise DatabaseError(
                    f"KMS could not be asked for the key of {key.owner}: {told['Message']}", "try again"
                ) from error
            raise KeyInaccessible(
                f"the KMS key {key.kms_key} is not accessible: {told['Code']}: {told['Message']}",
                "enable it, or cancel its deletion, and see that its grant for RDS is there; then start the DB instance",
            ) from error
        return bytes(answer["Plaintext"])

    def _client(self, key: StorageKey) -> Any:
        assert self._installation.clients is not None, "the server has clients before its jobs run"
        caller = Caller(kind="service", arn=SERVICE)
        return self._installation.clients("kms", principal=caller, region=key.kms_key.split(":")[3])


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Let an error of the folders be one of databases."""
    try:
        yield
    except EncryptedFolderError as error:
        raise DatabaseError(str(error), error.hint) from error
