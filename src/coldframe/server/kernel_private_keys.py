"""RSA private keys of KMS, held and used by the kernel where it can, in this process where it cannot."""

import contextlib
import threading
from collections import OrderedDict

from coldframe.engines.keyring import PROCESS, Kernel, KeyringError, KeyService
from coldframe.keys.asymmetric import AsymmetricKey
from coldframe.keys.padding import PaddingError
from coldframe.keys.policy import EVERYTHING
from coldframe.services.kms.private_keys import CannotDecrypt, InProcess, Load, PrivateKeys

_MOST = 128


class InTheKernel:
    """Keys in the process's keyring: the kernel forgets them when this process ends.

    A key is given to the kernel at its first use; until the kernel has it, it is in this process's memory for a moment. Where
    the kernel refuses a key (its quota, a hash that it lacks) the key is used in this process.
    """

    where = "kernel"

    def __init__(self, service: KeyService) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, AsymmetricKey] = OrderedDict()
        self._otherwise = InProcess()

    def sign(self, name: str, load: Load, algorithm: str, digest: bytes) -> bytes:
        """Return the signature of a digest."""
        scheme = "pss" if algorithm.startswith("RSASSA_PSS") else "pkcs1"
        try:
            return self._key(name, load).sign_digest(digest, _hash(algorithm), scheme=scheme)
        except KeyringError:
            return self._otherwise.sign(name, load, algorithm, digest)

    def decrypt(self, name: str, load: Load, algorithm: str, ciphertext: bytes) -> bytes:
        """Return what was encrypted."""
        try:
            return self._key(name, load).decrypt(ciphertext, scheme="oaep", hash_name=_hash(algorithm))
        except PaddingError as error:
            raise CannotDecrypt from error
        except KeyringError:
            return self._otherwise.decrypt(name, load, algorithm, ciphertext)

    def forget(self, name: str) -> None:
        """Have the kernel destroy a key."""
        with self._lock:
            key = self._keys.pop(name, None)
        if key is not None:
            self._drop(key)

    def close(self) -> None:
        """Have the kernel destroy all keys."""
        with self._lock:
            keys, self._keys = list(self._keys.values()), OrderedDict()
        for key in keys:
            self._drop(key)

    def _key(self, name: str, load: Load) -> AsymmetricKey:
        with self._lock:
            key = self._keys.get(name)
            if key is None:
                payload = bytearray(load())
                try:
                    serial = self._service.add_key("asymmetric", f"coldframe:{name}", payload, PROCESS)
                finally:
                    payload[:] = bytes(len(payload))
                key = self._keys[name] = AsymmetricKey(serial, self._service, EVERYTHING)
                if len(self._keys) > _MOST:
                    self._drop(self._keys.popitem(last=False)[1])
            self._keys.move_to_end(name)
            return key

    def _drop(self, key: AsymmetricKey) -> None:
        """Make a key of no use at once, and let the kernel collect it."""
        with contextlib.suppress(KeyringError):  # the kernel has dropped it already
            self._service.revoke(key.serial)
        with contextlib.suppress(KeyringError):
            self._service.unlink(key.serial, PROCESS)


def private_keys(service: KeyService | None = None) -> PrivateKeys:
    """Return the kernel where it takes RSA private keys and does the bare operation with them, else this process."""
    from coldframe.engines.keyring.features import detect

    kernel: KeyService = service or Kernel()
    found = detect(kernel)
    return InTheKernel(kernel) if found.private_keys and found.raw else InProcess()


def _hash(algorithm: str) -> str:
    return "sha" + algorithm.rpartition("_")[2]
