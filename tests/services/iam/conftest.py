"""One server for each module of IAM's tests, names that no other test uses, and clients of users made for a test."""

import datetime as dt
import itertools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("iam") / "data") as running:
        yield running


@pytest.fixture
def iam(cloud):
    return cloud.client("iam")


_numbers = itertools.count(1)


@pytest.fixture
def fresh():
    """Makes names: `fresh("user")`."""
    return lambda word: f"{word}-{next(_numbers)}"


@pytest.fixture
def person(cloud, iam, fresh):
    """Makes a user with an access key; returns its name and a function that makes its clients."""

    def make(path="/", **more):
        name = fresh("person")
        iam.create_user(UserName=name, Path=path, **more)
        key = iam.create_access_key(UserName=name)["AccessKey"]

        def client(service="iam"):
            return cloud.client(
                service,
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
            )

        client.key = key["AccessKeyId"]
        return name, client

    return make


@pytest.fixture
def key_pair():
    """Makes a certificate and its private key, both in PEM."""

    def make(name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
            .not_valid_after(dt.datetime(2036, 1, 1, tzinfo=dt.UTC))
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return certificate.public_bytes(Encoding.PEM).decode(), private.decode()

    return make
