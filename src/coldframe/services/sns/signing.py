"""The key with which envelopes are signed, made at first use, and its certificate."""

import base64
from datetime import datetime, timedelta
from pathlib import Path

from coldframe.core import durable
from coldframe.core.seal import Seal

_PURPOSE = "sns-signing-key"
CERTIFICATES = "/SimpleNotificationService-"
_YEARS = timedelta(days=3650)


class Signer:
    """Signs with the key kept, sealed, in a folder of the data directory; receivers get its certificate there."""

    def __init__(self, folder: Path, seal: Seal, now: datetime) -> None:
        durable.make_folder(folder)
        kept, certificate = folder / "signing.key", folder / "signing.pem"
        if not (kept.exists() and certificate.exists()):
            self._make(kept, certificate, seal, now)
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        opened = seal.open(_PURPOSE, "signing.key", kept.read_bytes())
        key = serialization.load_der_private_key(opened, None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{kept} holds no RSA key")
        self._key = key
        self.certificate = certificate.read_bytes()
        digest = x509.load_pem_x509_certificate(self.certificate).fingerprint(hashes.SHA256())
        self.path = f"{CERTIFICATES}{digest.hex()[:32]}.pem"

    def sign(self, text: bytes, version: str) -> str:
        """Return the signature of a text in base64: SHA-1 for version 1, SHA-256 for version 2, as AWS defines them."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - version 1 is defined so
        return base64.b64encode(self._key.sign(text, padding.PKCS1v15(), algorithm)).decode()

    @staticmethod
    def _make(kept: Path, certificate: Path, seal: Seal, now: datetime) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.x509.oid import NameOID

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _YEARS)
            .sign(key, hashes.SHA256())
        )
        plain = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for path, content in (
            (kept, seal.seal(_PURPOSE, "signing.key", plain)),
            (certificate, made.public_bytes(serialization.Encoding.PEM)),
        ):
            durable.write(path, content)
