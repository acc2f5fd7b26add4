"""TLS between an instance and its endpoint: only for accounts that require it, whose clients used TLS up to the endpoint.

Nobody else is on that way, a unix socket, so the certificate is the instance's own and nobody verifies it. What it is for is
that the database sees a connection with TLS: REQUIRE SSL then means that the client has it, and is checked by the database.
"""

import datetime as dt
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coldframe.core import durable
from coldframe.core.process import Account

# Nobody looks at how old it is.
_FROM, _UNTIL = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2099, 12, 31, tzinfo=dt.UTC)


def ready(path: Path, account: Account) -> None:
    """Make the file with certificate and key unless it is there; the account may read it."""
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "coldframe instance")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_FROM)
            .not_valid_after(_UNTIL)
            .sign(key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        durable.write(path, made.public_bytes(serialization.Encoding.PEM) + secret)
    if os.geteuid() == 0 and account.user != 0:
        os.chown(path, 0, account.group)
        path.chmod(0o640)
