"""What a client that binds its password's proof to the TLS connection takes of the endpoint's certificate (RFC 5929)."""

import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_WEAK = frozenset(("md5", "sha1"))


def end_point(path: Path) -> str | None:
    """Return `tls-server-end-point` of a certificate in hexadecimal digits; None where its signature names no digest.

    It is the certificate's digest by the algorithm of its signature, SHA-256 in place of MD5 and SHA-1.
    """
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        return None
    name = "sha256" if algorithm.name in _WEAK else algorithm.name
    return hashlib.new(name, certificate.public_bytes(Encoding.DER)).hexdigest()
