"""What users have beside passwords and access keys: credentials of one service, SSH keys, signing certificates."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_SSH = (Encoding.OpenSSH, PublicFormat.OpenSSH)


@pytest.fixture(scope="module")
def keys():
    """Two RSA keys."""
    return [rsa.generate_private_key(65537, 2048) for _ in range(2)]


@pytest.fixture
def iam(aws):
    client = aws("iam")
    client.create_user(UserName="jane")
    return client


def refused(call, **parameters):
    """The code and text with which a call is refused."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def certificate(key, name="signer"):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_credentials_of_a_service_are_shown_once_and_reset(server, iam) -> None:
    service = "codecommit.amazonaws.com"
    made = iam.create_service_specific_credential(UserName="jane", ServiceName=service)
    made = made["ServiceSpecificCredential"]
    assert made["ServiceUserName"] == f"jane-at-{server.account}"
    assert (made["Status"], made["ServiceName"]) == ("Active", service)
    identifier = made["ServiceSpecificCredentialId"]
    assert identifier.startswith("ACCA")
    second = iam.create_service_specific_credential(UserName="jane", ServiceName=service)
    assert second["ServiceSpecificCredential"]["ServiceUserName"] == f"jane+1-at-{server.account}"
    assert refused(iam.create_service_specific_credential, UserName="jane", ServiceName=service) == (
        "LimitExceeded",
        "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2",
    )
    named = {"UserName": "jane", "ServiceSpecificCredentialId": identifier}
    iam.update_service_specific_credential(**named, Status="Inactive")
    reset = iam.reset_service_specific_credential(**named)["ServiceSpecificCredential"]
    assert reset["Status"] == "Inactive"
    assert reset["ServicePassword"] != made["ServicePassword"]
    listed = iam.list_service_specific_credentials(UserName="jane", ServiceName=service)
    shown = {each["ServiceSpecificCredentialId"]: each for each in listed["ServiceSpecificCredentials"]}
    assert len(shown) == 2
    assert shown[identifier]["Status"] == "Inactive"
    assert not any("Password" in name for each in shown.values() for name in each)
    assert refused(iam.delete_user, UserName="jane") == (
        "DeleteConflict",
        "Cannot delete entity, must remove referenced objects first.",
    )
    for each in shown:
        iam.delete_service_specific_credential(UserName="jane", ServiceSpecificCredentialId=each)
    assert refused(iam.delete_service_specific_credential, **named) == (
        "NoSuchEntity",
        f"No such credential {identifier} exists",
    )
    iam.delete_user(UserName="jane")


def test_tokens_of_a_service_may_expire(iam, clock) -> None:
    made = iam.create_service_specific_credential(
        UserName="jane", ServiceName="logs.amazonaws.com", CredentialAgeDays=2
    )["ServiceSpecificCredential"]
    assert made["ServiceCredentialSecret"].startswith("ABSK")
    assert "ServicePassword" not in made
    assert made["ExpirationDate"] - made["CreateDate"] == timedelta(days=2)
    clock.advance(2 * 24 * 3600 + 1)
    (only,) = iam.list_service_specific_credentials(AllUsers=True)["ServiceSpecificCredentials"]
    assert only["Status"] == "Expired"


@pytest.mark.parametrize("service", ["lambda.amazonaws.com", "nonsense"])
def test_services_without_such_credentials_are_refused(iam, service) -> None:
    text = f"No such service {service} is supported for Service Specific Credentials"
    assert refused(iam.create_service_specific_credential, UserName="jane", ServiceName=service) == (
        "NoSuchEntity",
        text,
    )
    assert refused(iam.list_service_specific_credentials, UserName="jane", ServiceName=service) == (
        "NoSuchEntity",
        text,
    )
    assert refused(iam.create_service_specific_credential, UserName="x", ServiceName=service) == (
        "NoSuchEntity",
        "The user with name x cannot be found.",
    )


def test_an_ssh_key_is_shown_in_either_encoding(iam, keys) -> None:
    ssh = keys[0].public_key().public_bytes(*_SSH).decode()
    pem = keys[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    made = iam.upload_ssh_public_key(UserName="jane", SSHPublicKeyBody=f"{ssh} jane@desk")["SSHPublicKey"]
    assert made["SSHPublicKeyId"].startswith("APKA")
    assert len(made["Fingerprint"]) == 47
    named = {"UserName": "jane", "SSHPublicKeyId": made["SSHPublicKeyId"]}
    assert iam.get_ssh_public_key(**named, Encoding="SSH")["SSHPublicKey"]["SSHPublicKeyBody"].startswith(ssh)
    shown = iam.get_ssh_public_key(**named, Encoding="PEM")["SSHPublicKey"]["SSHPublicKeyBody"]
    assert shown.strip() == pem.strip()
    assert refused(iam.upload_ssh_public_key, UserName="jane", SSHPublicKeyBody=pem)[0] == (
        "DuplicateSSHPublicKey"
    )
    iam.update_ssh_public_key(**named, Status="Inactive")
    (listed,) = iam.list_ssh_public_keys(UserName="jane")["SSHPublicKeys"]
    assert listed["Status"] == "Inactive"
    assert "SSHPublicKeyBody" not in listed
    iam.delete_ssh_public_key(**named)
    assert refused(iam.get_ssh_public_key, **named, Encoding="SSH") == (
        "NoSuchEntity",
        f"The Public Key with id {named['SSHPublicKeyId']} cannot be found.",
    )


def test_ssh_keys_that_are_none_are_refused(iam) -> None:
    other = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*_SSH).decode()
    for body in ("ssh-rsa AAAA", other):
        assert refused(iam.upload_ssh_public_key, UserName="jane", SSHPublicKeyBody=body)[0] == (
            "InvalidPublicKey"
        )


def test_signing_certificates_are_in_the_credential_report(iam, keys) -> None:
    bodies = [certificate(key) for key in keys]
    ids = [
        iam.upload_signing_certificate(UserName="jane", CertificateBody=body)["Certificate"]["CertificateId"]
        for body in bodies
    ]
    third = {"UserName": "jane", "CertificateBody": certificate(keys[0], "third")}
    assert refused(iam.upload_signing_certificate, **third) == (
        "LimitExceeded",
        "Cannot exceed quota for CertificatesPerUser: 2",
    )
    assert refused(iam.upload_signing_certificate, UserName="jane", CertificateBody=bodies[0])[0] == (
        "DuplicateCertificate"
    )
    assert refused(iam.upload_signing_certificate, UserName="jane", CertificateBody="none")[0] == (
        "MalformedCertificate"
    )
    iam.update_signing_certificate(UserName="jane", CertificateId=ids[0], Status="Inactive")
    while iam.generate_credential_report()["State"] != "COMPLETE":
        pass
    report = iam.get_credential_report()["Content"].decode()
    row = next(row for row in csv.DictReader(io.StringIO(report)) if row["user"] == "jane")
    assert sorted((row["cert_1_active"], row["cert_2_active"])) == ["false", "true"]
    assert row["cert_1_last_rotated"].startswith("20")
    assert refused(iam.delete_user, UserName="jane")[0] == "DeleteConflict"
    iam.update_user(UserName="jane", NewUserName="joan")
    assert len(iam.list_signing_certificates(UserName="joan")["Certificates"]) == 2
    for each in ids:
        iam.delete_signing_certificate(UserName="joan", CertificateId=each)
    iam.delete_user(UserName="joan")


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("sns.amazonaws.com", "SNS"),
        ("custom-resource.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_CustomResource"),
        ("elasticbeanstalk.amazonaws.com", "ElasticBeanstalk"),
        ("mrk.kms.amazonaws.com", "KeyManagementServiceMultiRegionKeys"),
    ],
)
def test_services_have_roles_of_their_names(iam, service, name) -> None:
    role = iam.create_service_linked_role(AWSServiceName=service)["Role"]
    assert role["RoleName"] == f"AWSServiceRoleFor{name}"
    assert role["Path"] == f"/aws-service-role/{service}/"
    for wrong in (service.removesuffix(".amazonaws.com"), "nonsense.amazonaws.com"):
        assert refused(iam.create_service_linked_role, AWSServiceName=wrong)[0] == "InvalidInput"
