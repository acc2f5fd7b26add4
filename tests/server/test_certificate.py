"""The certificate made at the first start: names, modes, renewal, damage; Python's TLS accepts it."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest

from coldframe.server.certificate import ensure_certificate

NOW = datetime.now(UTC)


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_files_and_modes(tmp_path):
    made = ensure_certificate(tmp_path / "tls", "us-east-1", NOW)
    assert sorted(contents(tmp_path / "tls")) == [
        "ca.key",
        "ca.pem",
        "checked.json",
        "server.key",
        "server.pem",
    ]
    for key in (made.key, made.key.with_name("ca.key")):
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")  # PKCS#8
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", [
    "localhost", "coldframe.localhost", "stream-localhost", "bucket.s3.localhost", "127.0.0.1", "::1", "logs.us-east-1.amazonaws.com", "iam.amazonaws.com",
    "bucket.s3.us-east-1.amazonaws.com", "123456789012.s3-control.us-east-1.amazonaws.com",
    "stream-logs.us-east-1.amazonaws.com",
])  # fmt: skip
def test_a_client_that_trusts_the_authority_accepts_the_name(tmp_path, name):
    handshake(ensure_certificate(tmp_path, "us-east-1", NOW), name)


@pytest.mark.parametrize("name", ["example.com", "a.b.localhost.example", "127.0.0.2"])
def test_other_names_are_refused(tmp_path, name):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(ensure_certificate(tmp_path, "us-east-1", NOW), name)


def handshake(made, name):
    """A real TLS handshake over a socket pair, by the strict rules of newer Pythons."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.chain, made.key)
    trusting = ssl.create_default_context(cafile=made.authority)
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    near, far = socket.socketpair()

    def serve():
        try:
            serving.wrap_socket(far, server_side=True).close()
        except OSError:
            far.close()  # the client refused

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        trusting.wrap_socket(near, server_hostname=name).close()
    finally:
        near.close()
        thread.join()


def test_kept_until_it_is_about_to_end(tmp_path):
    made = ensure_certificate(tmp_path, "us-east-1", NOW)
    first = contents(tmp_path)
    ensure_certificate(tmp_path, "us-east-1", NOW + timedelta(days=366))
    assert contents(tmp_path) == first
    ensure_certificate(tmp_path, "us-east-1", NOW + timedelta(days=368))
    renewed = contents(tmp_path)
    assert renewed["ca.pem"] == first["ca.pem"]
    assert renewed["server.pem"] != first["server.pem"]
    ensure_certificate(tmp_path, "us-east-1", NOW + timedelta(days=3640))
    assert contents(tmp_path)["ca.pem"] != first["ca.pem"]
    assert made.key.stat().st_mode & 0o777 == 0o600


def test_made_again_for_another_region(tmp_path):
    ensure_certificate(tmp_path, "us-east-1", NOW)
    handshake(ensure_certificate(tmp_path, "eu-west-1", NOW), "logs.eu-west-1.amazonaws.com")


@pytest.mark.parametrize("name", ["ca.key", "ca.pem", "server.key", "server.pem"])
@pytest.mark.parametrize("damage", [b"", b"-----BEGIN CERTIFICATE-----\nxx", None])
def test_a_file_damaged_or_absent(tmp_path, name, damage):
    ensure_certificate(tmp_path, "us-east-1", NOW)
    if damage is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(damage)
    handshake(ensure_certificate(tmp_path, "us-east-1", NOW), "localhost")


def test_keys_of_two_certificates_mixed(tmp_path):
    """As after a power cut between two files."""
    ensure_certificate(tmp_path / "a", "us-east-1", NOW)
    ensure_certificate(tmp_path / "b", "us-east-1", NOW)
    for name in ("server.key", "ca.pem"):
        (tmp_path / "a" / name).write_bytes((tmp_path / "b" / name).read_bytes())
        handshake(ensure_certificate(tmp_path / "a", "us-east-1", NOW), "localhost")


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        ensure_certificate(tmp_path / "file" / "tls", "us-east-1", NOW)
