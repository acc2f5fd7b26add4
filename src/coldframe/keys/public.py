"""The public key of a private key in the kernel, worked out from what its public operation answers."""

import hashlib
import itertools
import math

from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe.engines.keyring import KeyService, OperationMissing

# Exponents in use; keys of OpenSSH and OpenSSL have the first one.
_EXPONENTS = (65537, 3, 17, 5, 7, 11, 13, 19, 23, 29, 31, 35, 37, 41, 47, 257, 65539)
_PROBES = 6


class PublicKeyUnknown(Exception):
    """The public key cannot be worked out: no RSA key, or an exponent that nobody uses."""


def public_key(service: KeyService, serial: int) -> rsa.RSAPublicKey:
    """Return the public key of an asymmetric key; raises PublicKeyUnknown, or a KeyringError.

    The kernel gives no key out, but it encrypts: with c(m) = m^e mod n, c(a)*c(b) - c(a*b) is a multiple of n. The
    greatest common divisor of a few such numbers is n, and e is the exponent that explains the answers.
    """
    bits = service.pkey_query(serial, "enc=raw").bits
    size = (bits + 7) // 8

    def raised(number: int) -> int:
        return int.from_bytes(service.pkey_encrypt(serial, "enc=raw", number.to_bytes(size, "big")), "big")

    # Half as long as the modulus: a product of two is below it, and the power of one, even the third, above it.
    probes = [
        int.from_bytes(hashlib.shake_256(bytes([number])).digest(size // 2 - 1), "big") | 1
        for number in range(_PROBES)
    ]
    try:
        answers = {probe: raised(probe) for probe in probes}
        multiple = 0
        for left, right in itertools.pairwise(probes):
            multiple = math.gcd(multiple, answers[left] * answers[right] - raised(left * right))
    except OperationMissing as error:
        raise PublicKeyUnknown(f"this kernel does not encrypt with the key: {error}") from error
    for small in (2, 3, 5, 7, 11, 13):
        while multiple.bit_length() > bits and multiple % small == 0:
            multiple //= small
    if multiple.bit_length() != bits:
        raise PublicKeyUnknown("the key does not answer as an RSA key does")
    for exponent in _EXPONENTS:
        if all(pow(probe, exponent, multiple) == answer for probe, answer in answers.items()):
            return rsa.RSAPublicNumbers(exponent, multiple).public_key()
    raise PublicKeyUnknown(
        "the key has a public exponent that is in no use; take the public key from its file"
    )
