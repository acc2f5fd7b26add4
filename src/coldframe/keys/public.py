"""The public key of a private key in the kernel, worked out from what its public operation answers."""

import itertools
import math

from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe.engines.keyring import KeyringError, KeyService, OperationMissing

# Exponents in use; keys of OpenSSH and OpenSSL have the first one.
_EXPONENTS = (65537, 3, 17, 5, 7, 11, 13, 19, 23, 29, 31, 35, 37, 41, 47, 257, 65539)
_PRIMES = (2, 3, 5, 7, 11, 13)


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

    try:
        answers = {prime: raised(prime) for prime in _PRIMES}
        multiple = 0
        for left, right in itertools.pairwise(_PRIMES):
            multiple = math.gcd(multiple, answers[left] * answers[right] - raised(left * right))
            multiple = math.gcd(multiple, answers[left] ** 2 - raised(left * left))
    except OperationMissing as error:
        raise PublicKeyUnknown(f"this kernel does not encrypt with the key: {error}") from error
    except KeyringError:
        raise
    for small in (2, 3, 5, 7, 11, 13):
        while multiple.bit_length() > bits and multiple % small == 0:
            multiple //= small
    if multiple.bit_length() != bits:
        raise PublicKeyUnknown("the key does not answer as an RSA key does")
    for exponent in _EXPONENTS:
        if all(pow(prime, exponent, multiple) == answer for prime, answer in answers.items()):
            return rsa.RSAPublicNumbers(exponent, multiple).public_key()
    raise PublicKeyUnknown(
        "the key has a public exponent that is in no use; take the public key from its file"
    )
