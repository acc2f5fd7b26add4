"""The server's certificate: a certificate authority and a server certificate made at the first start, renewed in time.

Clients trust the authority's certificate (`ca.pem`), which outlives the renewals of the server's own.
"""

import ipaddress
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY_LIFE: Final = timedelta(days=3650)
# Clients such as Safari refuse server certificates that live longer than 825 days.
_SERVER_LIFE: Final = timedelta(days=397)
_RENEW_BEFORE: Final = timedelta(days=30)
# A clock that is a little behind must not find the certificate to be of the future.
_BACKDATED: Final = timedelta(hours=1)

_ADDRESSES: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """Files in PEM: the chain and the PKCS#8 key that the server shows, and the authority that clients trust."""

    chain: Path
    key: Path
    authority: Path


def ensure_certificate(directory: Path, region: str, now: datetime) -> ServerCertificate:
    """The certificate in `directory`, made when it is not there, is about to end, or is for other names.

    `now` is aware. Keys are readable by their owner alone; each file is whole or absent, also after a power cut.
    Raises OSError when the directory cannot be written.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = ServerCertificate(directory / "server.pem", directory / "server.key", directory / "ca.pem")
    authority = _pair(made.authority, directory / "ca.key")
    if authority is None or _ends_soon(authority[0], now):
        authority = _new_authority(now)
        _write(directory / "ca.key", _key_pem(authority[1]), secret=True)
        _write(made.authority, _pem(authority[0]))
    server = _pair(made.chain, made.key)
    if server is None or _ends_soon(server[0], now) or not _is_ours(server[0], authority[0], region):
        certificate, key = _new_server(authority, region, now)
        # The key goes last: a chain without its key is noticed above, and both are made again.
        _write(made.chain, _pem(certificate) + _pem(authority[0]))
        _write(made.key, _key_pem(key), secret=True)
    return made


def names_served(region: str) -> list[str]:
    """The DNS names of the certificate. A wildcard stands for one label only, so deeper names are listed apart.

    OpenSSL takes no wildcard directly above a top label, so that of `*.localhost` is for browsers and others; the
    names that clients make of `localhost` by putting a prefix before it stand in full.
    """
    suffixes = ("amazonaws.com", f"{region}.amazonaws.com")
    deeper = ("s3", "s3-control", "s3-accesspoint", "logs", "servicediscovery", "transcribe", "execute-api")
    return [
        "localhost",
        "*.localhost",
        "coldframe.localhost",
        "s3.localhost",
        "stream-localhost",
        "data-localhost",
        "*.s3.localhost",
        "*.s3-control.localhost",
        f"*.{region}.localhost",
        *(f"*.{suffix}" for suffix in suffixes),
        *(f"*.{name}.{region}.amazonaws.com" for name in deeper),
        "*.s3.amazonaws.com",
        f"*.{region}.api.aws",
    ]


_Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _pair(chain: Path, key: Path) -> _Pair | None:
    """The first certificate of a file and its key; None when one is absent, damaged, or not the other's."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if (
        not isinstance(private, ec.EllipticCurvePrivateKey)
        or private.public_key() != certificate.public_key()
    ):
        return None
    return certificate, private


def _ends_soon(certificate: x509.Certificate, now: datetime) -> bool:
    return now > certificate.not_valid_after_utc - _RENEW_BEFORE


def _is_ours(certificate: x509.Certificate, authority: x509.Certificate, region: str) -> bool:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    listed = set(names.get_values_for_type(x509.DNSName))
    issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(authority))
    return listed == set(names_served(region)) and issuer.key_identifier == ours.key_identifier


def _public(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("The certificate authority's key is not an elliptic curve key.")
    return key


def _named(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "coldframe"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_authority(now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("coldframe certificate authority of this machine")
    certificate = (
        _builder(name, name, key.public_key(), now, _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _new_server(authority: _Pair, region: str, now: datetime) -> _Pair:
    certificate, signer = authority
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in names_served(region)]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
    # A certificate must not outlive the one that signed it.
    life = min(_SERVER_LIFE, certificate.not_valid_after_utc - now)
    signed = (
        _builder(_named("localhost"), certificate.subject, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(certificate)), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    return signed, key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Write beside, sync, rename, sync the directory: a reader sees the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o600 if secret else 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
