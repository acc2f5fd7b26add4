"""What a key in the kernel may be used for: the padding in user space stands on the bare RSA operation, so it is asked for."""

import enum
from typing import NamedTuple


class Use(enum.Enum):
    """One way to use a private key. `RAW` is the bare RSA operation, which can do what all the others can."""

    PKCS1_SIGNATURE = "pkcs1 signature"
    PKCS1_DECRYPTION = "pkcs1 decryption"
    PSS_SIGNATURE = "pss signature"
    OAEP_DECRYPTION = "oaep decryption"
    RAW = "raw operation"


class UseNotAllowed(Exception):
    """The policy under which a key was taken does not allow this use of it."""

    def __init__(self, use: Use, detail: str = "") -> None:
        super().__init__(
            f"the policy of this key does not allow a {use.value}{f' with {detail}' if detail else ''}; "
            f"take the key with Policy(uses=...) that has Use.{use.name} to allow it"
        )
        self.use = use


class Policy(NamedTuple):
    """The uses and hashes that are allowed; by default what the kernel pads itself, with hashes of today."""

    uses: frozenset[Use] = frozenset({Use.PKCS1_SIGNATURE, Use.PKCS1_DECRYPTION})
    hashes: frozenset[str] = frozenset(
        {"sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"}
    )

    def demand(self, use: Use, hash_name: str = "") -> None:
        """Raise UseNotAllowed unless the use, and the hash it uses, are allowed."""
        if use not in self.uses:
            raise UseNotAllowed(use)
        if hash_name and hash_name not in self.hashes:
            raise UseNotAllowed(use, hash_name)


# Signatures of both paddings and OAEP: what TLS 1.3, PS256 tokens and encrypted messages need.
PADDED = Policy(uses=frozenset(Use) - {Use.RAW})
EVERYTHING = Policy(uses=frozenset(Use), hashes=Policy().hashes | {"sha1"})
