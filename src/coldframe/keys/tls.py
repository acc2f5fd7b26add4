"""Experimental: serving TLS with a private key in the kernel, by Python's own ssl module.

OpenSSL is given an RSA key without a private part, whose private operation asks the kernel. This reaches into the
memory layout of CPython's ssl module and uses functions that OpenSSL 3 has declared old; where either is not as it is
known to be, `KernelKeyContext` refuses with TlsUnavailable instead of guessing.
"""

import ctypes
import re
import ssl
import sys
from pathlib import Path
from typing import Any, Self

from coldframe.engines.keyring import KeyringError
from coldframe.keys.asymmetric import AsymmetricKey
from coldframe.keys.policy import Use, UseNotAllowed

_NO_PADDING, _PKCS1 = 3, 1
_RSA = 6
_PSS_TRAILER = 0xBC
_PYTHONS = range(11, 15)
_Operation = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_ubyte),
    ctypes.POINTER(ctypes.c_ubyte),
    ctypes.c_void_p,
    ctypes.c_int,
)


class TlsUnavailable(Exception):
    """This Python or its OpenSSL is not one that a key in the kernel can be given to."""


class KernelKeyContext(ssl.SSLContext):
    """A server's SSLContext whose private key is in the kernel; TLS 1.2 with ECDHE and TLS 1.3.

    `certificate` is a PEM file with the server's certificate and its chain. `faults` has what the kernel answered when
    a handshake failed for it (a key that expired, say). The key's policy must allow PKCS #1 and PSS signatures. Raises TlsUnavailable, or ssl.SSLError for a certificate of
    another key.
    """

    def __new__(cls, key: AsymmetricKey, certificate: Path) -> Self:
        """Make the context as the ssl module does."""
        del key, certificate
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, key: AsymmetricKey, certificate: Path) -> None:
        super().__init__()
        self.faults: list[Exception] = []
        crypto, tls = _libraries()
        context = _pointer(self, tls)
        self._key = key
        # OpenSSL keeps only the address of the function; it must live as long as the context.
        self._operation = _Operation(self._sign)
        private = _private(crypto, key, self._operation)
        _must(
            tls.SSL_CTX_use_certificate_chain_file(context, str(certificate).encode()),
            f"{certificate} is no chain of certificates in PEM",
        )
        try:
            _must(
                tls.SSL_CTX_use_PrivateKey(context, private),
                f"{certificate} is of another key than the kernel's",
            )
        finally:
            crypto.EVP_PKEY_free(private)

    def _sign(self, length: int, source: Any, target: Any, _rsa: int, padding: int) -> int:
        """Do the private operation; OpenSSL wants the length, or -1, and cannot take an exception."""
        try:
            answer = self._answer(bytes(source[:length]), padding)
        except (KeyringError, UseNotAllowed) as problem:
            self.faults.append(problem)
            return -1
        ctypes.memmove(target, answer, len(answer))
        return len(answer)

    def _answer(self, block: bytes, padding: int) -> bytes:
        service, serial = self._key.service, self._key.serial
        if padding == _PKCS1:
            self._key.policy.demand(Use.PKCS1_SIGNATURE)
            return service.pkey_sign(serial, "enc=pkcs1", block)
        # OpenSSL pads PSS itself; a block that is no such padding is no signature.
        if padding != _NO_PADDING or block[-1:] != bytes([_PSS_TRAILER]):
            raise UseNotAllowed(Use.RAW)
        self._key.policy.demand(Use.PSS_SIGNATURE)
        return service.pkey_decrypt(serial, "enc=raw", block).rjust(len(block), b"\0")


def _libraries() -> tuple[Any, Any]:
    """Return the libcrypto and libssl that Python's ssl module uses; raises TlsUnavailable."""
    version = ssl.OPENSSL_VERSION_INFO[0]
    if sys.implementation.name != "cpython" or sys.version_info.minor not in _PYTHONS or version != 3:
        raise TlsUnavailable(
            f"this is known to work with CPython 3.11 to 3.14 and OpenSSL 3, not with {ssl.OPENSSL_VERSION}"
        )
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    found = {name: re.search(rf"\S*/{name}\.so\.3\S*", maps) for name in ("libcrypto", "libssl")}
    if not all(found.values()):
        raise TlsUnavailable(
            "Python's ssl module has OpenSSL built into it; a Python that uses the system's is needed"
        )
    crypto, tls = (ctypes.CDLL(match[0]) for match in found.values() if match)
    pointer = ctypes.c_void_p
    for library, name, result, arguments in (
        (crypto, "RSA_get_default_method", pointer, []),
        (crypto, "RSA_meth_dup", pointer, [pointer]),
        (crypto, "RSA_meth_set_priv_enc", ctypes.c_int, [pointer, _Operation]),
        (crypto, "RSA_new", pointer, []),
        (crypto, "RSA_set_method", ctypes.c_int, [pointer, pointer]),
        (crypto, "RSA_set0_key", ctypes.c_int, [pointer, pointer, pointer, pointer]),
        (crypto, "BN_bin2bn", pointer, [ctypes.c_char_p, ctypes.c_int, pointer]),
        (crypto, "EVP_PKEY_new", pointer, []),
        (crypto, "EVP_PKEY_assign", ctypes.c_int, [pointer, ctypes.c_int, pointer]),
        (crypto, "EVP_PKEY_free", None, [pointer]),
        (tls, "SSL_CTX_get_options", ctypes.c_uint64, [pointer]),
        (tls, "SSL_CTX_use_certificate_chain_file", ctypes.c_int, [pointer, ctypes.c_char_p]),
        (tls, "SSL_CTX_use_PrivateKey", ctypes.c_int, [pointer, pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return crypto, tls


def _pointer(context: ssl.SSLContext, tls: Any) -> int:
    """Return the SSL_CTX of a context: the first field behind the object's head; raises TlsUnavailable if it is not."""
    address = int(ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value or 0)
    # The number of a known field tells whether this is the structure that it is taken for.
    if not address or tls.SSL_CTX_get_options(address) & 0xFFFFFFFF != int(context.options) & 0xFFFFFFFF:
        raise TlsUnavailable("the ssl module of this Python keeps its context in another place than is known")
    return address


def _private(crypto: Any, key: AsymmetricKey, operation: Any) -> int:
    """Return an EVP_PKEY of the public numbers, whose private operation is ours."""
    numbers = key.public_key().public_numbers()
    method = crypto.RSA_meth_dup(crypto.RSA_get_default_method())
    _must(crypto.RSA_meth_set_priv_enc(method, operation), "OpenSSL takes no method")
    rsa = crypto.RSA_new()
    _must(crypto.RSA_set_method(rsa, method), "OpenSSL takes no method")
    n, e = (
        crypto.BN_bin2bn(
            number.to_bytes((number.bit_length() + 7) // 8, "big"), (number.bit_length() + 7) // 8, None
        )
        for number in (numbers.n, numbers.e)
    )
    _must(crypto.RSA_set0_key(rsa, n, e, None), "OpenSSL takes no key without a private part")
    private = crypto.EVP_PKEY_new()
    _must(crypto.EVP_PKEY_assign(private, _RSA, rsa), "OpenSSL takes no key without a private part")
    return int(private)


def _must(answer: int, otherwise: str) -> None:
    if answer != 1:
        raise ssl.SSLError(1, otherwise)
