"""The key with which envelopes are signed, made at first use, and its certificate."""

import base64
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from coldframe.core import durable
from coldframe.core.seal import Seal, SealBroken

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LOG = logging.getLogger("coldframe.sns")

_PURPOSE = "sns-signing-key"
CERTIFICATES = "/SimpleNotificationService-"
_YEARS = timedelta(days=3650)


class Signer:
    """Signs with the key kept, sealed, in a folder of the data directory; receivers get its certificate there."""

    def __init__(self, folder: Path, seal: Seal, now: datetime) -> None:
        durable.make_folder(folder)
        kept, certificate = folder / "signing.key", folder / "signing.pem"
        pair = _pair(kept, certificate, seal)
        if pair is None:
            if kept.exists() or certificate.exists():
                LOG.warning(
                    "%s and %s are empty, damaged, or not of one pair: a new key is made, of which receivers get a new"
                    " certificate",
                    kept,
                    certificate.name,
                )
            self._make(kept, certificate, seal, now)
            pair = _pair(kept, certificate, seal)
        if pair is None:
            raise SealBroken(f"{kept} was made and cannot be read back: look at its disk")
        self._key, self.certificate, digest = pair
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


def _pair(kept: Path, certificate: Path, seal: Seal) -> "tuple[RSAPrivateKey, bytes, bytes] | None":
    """Return the key, its certificate and the digest of that; None when they are absent, damaged, or not of one pair."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        shown = certificate.read_bytes()
        known = x509.load_pem_x509_certificate(shown)
        key = serialization.load_der_private_key(seal.open(_PURPOSE, "signing.key", kept.read_bytes()), None)
    except (FileNotFoundError, ValueError, SealBroken):
        return None
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != known.public_key():
        return None
    return key, shown, known.fingerprint(hashes.SHA256())
