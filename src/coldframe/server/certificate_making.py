"""Makes and checks the server's certificate and the certificate authority that signs it."""

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from coldframe.core import durable
from coldframe.server.certificate import ServerCertificate, names_served

_AUTHORITY_LIFE: Final = timedelta(days=3650)
# Clients such as Safari refuse server certificates that live longer than 825 days.
_SERVER_LIFE: Final = timedelta(days=397)
_RENEW_BEFORE: Final = timedelta(days=30)
# A clock that is a little behind must not find the certificate to be of the future.
_BACKDATED: Final = timedelta(hours=1)

_ADDRESSES: Final = ("127.0.0.1", "::1")
_PUBLIC: Final = 0o644


def make_and_check(made: ServerCertificate, region: str, now: datetime) -> datetime:
    """Make what is not there, is about to end, is damaged or is for other names; return until when it all holds.

    Each file is whole or absent, also after a power cut.
    """
    key_of_authority = made.authority.with_name("ca.key")
    authority = _pair(made.authority, key_of_authority)
    if authority is None or _ends_soon(authority[0], now):
        authority = _new_authority(now)
        durable.write(key_of_authority, _key_pem(authority[1]))
        durable.write(made.authority, _pem(authority[0]), mode=_PUBLIC)
    server = _pair(made.chain, made.key)
    if server is None or _ends_soon(server[0], now) or not _is_ours(server[0], authority[0], region):
        server = _new_server(authority, region, now)
        # The key goes last: a chain without its key is noticed above, and both are made again.
        durable.write(made.chain, _pem(server[0]) + _pem(authority[0]), mode=_PUBLIC)
        durable.write(made.key, _key_pem(server[1]))
    return min(each.not_valid_after_utc for each in (authority[0], server[0])) - _RENEW_BEFORE


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
