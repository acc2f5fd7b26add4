"""A server whose key is in the kernel speaks TLS 1.2 and 1.3 with an ordinary client, and its memory is clean."""

import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from coldframe import keys
from coldframe.engines.keyring import SESSION, Kernel
from coldframe.keys.tls import KernelKeyContext
from tests.engines.keyring.contract import certificate, pkcs8


@pytest.fixture
def chain(private_key: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    path = tmp_path / "certificate.pem"
    path.write_bytes(x509.load_der_x509_certificate(certificate(private_key)).public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def key(session: Kernel, private_key: rsa.RSAPrivateKey) -> keys.AsymmetricKey:
    return keys.AsymmetricKey(
        session.add_key("asymmetric", "tls", pkcs8(private_key), SESSION), session, keys.PADDED
    )


def handshake(context: ssl.SSLContext, chain: Path, version: ssl.TLSVersion) -> str | None:
    """Connect once and say a word; the client trusts the server's own certificate and nothing else."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(chain)
    client.minimum_version = client.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            accepted, _ = listening.accept()
            accepted.settimeout(60)
            with accepted:
                try:
                    with context.wrap_socket(accepted, server_side=True) as spoken:
                        spoken.sendall(spoken.recv(100).upper())
                except (ssl.SSLError, OSError):
                    return  # what the client sees is what is tested

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with (
                socket.create_connection(listening.getsockname(), timeout=60) as plain,
                client.wrap_socket(plain) as spoken,
            ):
                spoken.sendall(b"hello")
                assert spoken.recv(100) == b"HELLO"
                return spoken.version()
        finally:
            thread.join()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_handshakes(key: keys.AsymmetricKey, chain: Path, version: ssl.TLSVersion) -> None:
    context = KernelKeyContext(key, chain)
    for _ in range(3):
        assert handshake(context, chain, version) == version.name.replace("_", ".")
    assert context.faults == []


def test_without_the_key_there_is_no_handshake(key: keys.AsymmetricKey, chain: Path) -> None:
    context = KernelKeyContext(key, chain)
    key.invalidate()
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(context, chain, ssl.TLSVersion.TLSv1_3)
    assert isinstance(context.faults[0], keys.KeyringError)


def test_a_policy_without_pss_allows_no_tls_1_3(key: keys.AsymmetricKey, chain: Path) -> None:
    context = KernelKeyContext(key.under(keys.Policy()), chain)
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(context, chain, ssl.TLSVersion.TLSv1_3)
    assert isinstance(context.faults[0], keys.UseNotAllowed)


def test_a_certificate_of_another_key_is_refused(session: Kernel, chain: Path) -> None:
    other = rsa.generate_private_key(65537, 1024)
    key = keys.AsymmetricKey(
        session.add_key("asymmetric", "other", pkcs8(other), SESSION), session, keys.PADDED
    )
    with pytest.raises(ssl.SSLError, match="another key"):
        KernelKeyContext(key, chain)
