"""Server certificates as their operations' documentation describes them."""

import base64

import pytest

from tests.services.iam.asking import allow, policy, refused


@pytest.fixture
def uploaded(iam, fresh, key_pair):
    """Uploads a certificate; returns its name, body and private key."""

    def upload(**more):
        name, (body, key) = fresh("certificate"), key_pair("www.example.com")
        iam.upload_server_certificate(
            ServerCertificateName=name, CertificateBody=body, PrivateKey=key, **more
        )
        return name, body, key

    return upload


def test_a_certificate_comes_back_without_its_key(cloud, iam, uploaded, key_pair):
    chain, _ = key_pair("ca.example.com")
    name, body, key = uploaded(CertificateChain=chain, Path="/elb/")
    answer = iam.get_server_certificate(ServerCertificateName=name)["ServerCertificate"]
    about = answer["ServerCertificateMetadata"]
    assert about["Arn"] == f"arn:aws:iam::{cloud.account}:server-certificate/elb/{name}"
    assert about["ServerCertificateId"].startswith("ASCA")
    assert about["Expiration"].year in {2035, 2036}
    assert (answer["CertificateBody"], answer["CertificateChain"]) == (
        body.strip(),
        chain.strip(),
    )
    assert iam.list_server_certificates(PathPrefix="/elb/")["ServerCertificateMetadataList"] == [about]
    secrets = key.encode(), key.split("\n")[1].encode(), base64.b64encode(key.encode())[:-4]
    for path in cloud.installation.settings.data_dir.rglob("*"):
        if path.is_file():
            assert not any(secret in path.read_bytes() for secret in secrets), path


def test_a_key_must_fit_its_certificate(iam, key_pair):
    body, key = key_pair("one.example.com")
    _, other = key_pair("two.example.com")
    for parts, code in (
        ({"CertificateBody": body, "PrivateKey": other}, "KeyPairMismatch"),
        ({"CertificateBody": "text", "PrivateKey": key}, "MalformedCertificate"),
        ({"CertificateBody": body, "PrivateKey": "text"}, "MalformedCertificate"),
        (
            {"CertificateBody": body, "PrivateKey": key, "CertificateChain": "text"},
            "MalformedCertificate",
        ),
    ):
        found, message = refused(iam.upload_server_certificate, ServerCertificateName="bad", **parts)
        assert found == code
        assert key.split("\n")[1] not in message


def test_certificates_are_renamed_and_deleted(iam, uploaded, fresh):
    name, body, key = uploaded()
    again = {"ServerCertificateName": name.upper(), "CertificateBody": body, "PrivateKey": key}
    assert refused(iam.upload_server_certificate, **again) == (
        "EntityAlreadyExists",
        f"The Server Certificate with name {name.upper()} already exists.",
    )
    new = fresh("certificate")
    iam.update_server_certificate(ServerCertificateName=name, NewServerCertificateName=new, NewPath="/p/")
    assert refused(iam.get_server_certificate, ServerCertificateName=name) == (
        "NoSuchEntity",
        f"The Server Certificate with name {name} cannot be found.",
    )
    iam.delete_server_certificate(ServerCertificateName=new)
    assert refused(iam.delete_server_certificate, ServerCertificateName=new)[0] == "NoSuchEntity"


def test_permissions_name_the_certificate(cloud, iam, uploaded, person):
    user, client = person()
    name, _, _ = uploaded(Path="/mine/")
    other, _, _ = uploaded(Path="/other/")
    arn = f"arn:aws:iam::{cloud.account}:server-certificate/mine/*"
    document = policy(allow("iam:GetServerCertificate", arn))
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document)
    assert client().get_server_certificate(ServerCertificateName=name)["ServerCertificate"]
    denied = refused(client().get_server_certificate, ServerCertificateName=other)
    assert denied[0] == "AccessDenied"
