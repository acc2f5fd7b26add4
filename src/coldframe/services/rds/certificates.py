"""The certificate authority of the endpoints: rds-ca-rsa2048-g1, made on first use, and the certificates that it signs."""

import hashlib
import logging
import threading
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from coldframe.core import durable
from coldframe.core.clock import Clock
from coldframe.services.rds.authorities import DEFAULT

_YEARS = timedelta(days=365 * 40)
_LIFE = timedelta(days=365 * 3)
_CERTIFICATE = "server.pem"
LOG = logging.getLogger("coldframe.rds")


class Authority:
    """Signs the certificates that endpoints show; its own lies beside them, for clients to trust."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.file = folder / f"{DEFAULT}.pem"
        self._key = folder / f"{DEFAULT}.key"
        self._clock = clock
        self._making = threading.RLock()
        self._known: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None
        self._seen: set[Path] = set()

    def own(self) -> x509.Certificate:
        """Return the authority's own certificate, made on first use, and anew where it or its key is damaged."""
        return self._pair()[0]

    def thumbprint(self) -> str:
        """Return the SHA-1 of the authority's certificate in hexadecimal, as DescribeCertificates has it."""
        return hashlib.sha1(self.own().public_bytes(serialization.Encoding.DER)).hexdigest()  # noqa: S324  a name, no proof

    def certificate(self, folder: Path, address: str) -> tuple[Path, Path]:
        """Return the certificate and the key of an endpoint, made on first use."""
        # Two who make the same one at once would leave the key of one beside the certificate of the other.
        with self._making:
            return self._certificate(folder, address)

    def valid_till(self, folder: Path) -> datetime | None:
        """Return when the certificate of an endpoint ends; None while there is none."""
        try:
            return x509.load_pem_x509_certificate((folder / _CERTIFICATE).read_bytes()).not_valid_after_utc
        except FileNotFoundError:
            return None

    def _certificate(self, folder: Path, address: str) -> tuple[Path, Path]:
        certificate, key_file = folder / _CERTIFICATE, folder / "server.key"
        if folder not in self._seen and _pair_of(certificate, key_file) is not None:
            self._seen.add(folder)
        if folder in self._seen and certificate.exists() and key_file.exists():
            return certificate, key_file
        if certificate.exists() and key_file.exists():
            LOG.warning("%s or its key is damaged: both are made anew", certificate)
        own, signing = self._pair()
        key = ec.generate_private_key(ec.SECP256R1())
        now = self._clock.now()
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address)), x509.DNSName("localhost")])
        made = (
            _certificate(address, now, min(now + _LIFE, own.not_valid_after_utc))
            .issuer_name(own.subject)
            .public_key(key.public_key())
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
            )
            .sign(signing, hashes.SHA256())
        )
        durable.make_folder(folder)
        durable.write(key_file, _pem(key))
        durable.write(certificate, made.public_bytes(serialization.Encoding.PEM) + self.file.read_bytes())
        return certificate, key_file

    def _pair(self) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
        with self._making:
            found = self._known or _pair_of(self.file, self._key)
            if found is None:
                if self.file.exists() and self._key.exists():
                    LOG.warning(
                        "%s or its key is damaged: a new authority is made, which clients have to trust anew; endpoints that"
                        " there are keep their certificates",
                        self.file,
                    )
                self._make()
                found = _pair_of(self.file, self._key)
            own, signing = found or (None, None)
            if own is None or not isinstance(signing, rsa.RSAPrivateKey):
                raise OSError(f"{self.file} was made and cannot be read back: look at its disk")
            self._known = own, signing
            return self._known

    def _make(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        now = self._clock.now()
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        name = "coldframe RDS Root CA RSA2048 G1"
        made = (
            _certificate(name, now, now + _YEARS)
            .issuer_name(_name(name))
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        durable.make_folder(self.file.parent)
        durable.write(self._key, _pem(key))
        durable.write(self.file, made.public_bytes(serialization.Encoding.PEM))


def _pair_of(
    certificate: Path, key: Path
) -> tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] | None:
    """Return the first certificate of a file and its key; None when one is absent, damaged, or not the other's."""
    try:
        first = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return None
    return (first, private) if private.public_key() == first.public_key() else None


def _certificate(name: str, now: datetime, until: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(until)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
