"""Passwords of users: hashed with scrypt, compared in constant time, held against the account's rules."""

import hashlib
import hmac

from coldframe.core.faults import ServiceFault
from coldframe.identity.records import User
from coldframe.services.iam.records import PasswordPolicy

SYMBOLS = frozenset("!@#$%^&*()_+-=[]{}|'")
_COST, _BLOCK, _LANES = 2**14, 8, 1
_REMEMBERED = 24


def hashed(password: str, salt: str) -> str:
    """Return the hash that is stored: the salt (hexadecimal) and the scrypt key, N=2^14, r=8, p=1."""
    key = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=_COST, r=_BLOCK, p=_LANES)
    return f"{salt}${key.hex()}"


def matches(password: str, stored: str) -> bool:
    """Tell whether a password is the one that was hashed."""
    return hmac.compare_digest(hashed(password, stored.partition("$")[0]), stored)


def check(password: str, policy: PasswordPolicy | None, user: User) -> None:
    """Raise PasswordPolicyViolation, which names the rule, when the account does not take the password.

    Without a policy of its own an account has IAM's default: eight characters or more, three of the four kinds.
    Source: IAM User Guide, Set an account password policy for IAM users.
    """
    kinds = {
        "uppercase": any("A" <= letter <= "Z" for letter in password),
        "lowercase": any("a" <= letter <= "z" for letter in password),
        "number": any(letter.isdigit() for letter in password),
        "symbol": any(letter in SYMBOLS for letter in password),
    }
    wrong: list[str] = []
    if len(password) < (policy.length if policy else 8):
        wrong.append(f"minimum length of {policy.length if policy else 8}")
    if policy is None:
        if sum(kinds.values()) < 3:
            wrong.append("three of uppercase, lowercase, numbers and symbols")
    else:
        asked = {
            "uppercase": policy.uppercase,
            "lowercase": policy.lowercase,
            "number": policy.numbers,
            "symbol": policy.symbols,
        }
        wrong += [
            f"at least one {kind} character" for kind, there in kinds.items() if asked[kind] and not there
        ]
    if password == user.name:
        wrong.append("a password other than the user's name")
    if wrong:
        raise _violation(f"Password should have {'; '.join(wrong)}")
    if policy is not None and policy.reuse:
        known = [user.password_hash, *user.password_history][: policy.reuse]
        if any(stored and matches(password, stored) for stored in known):
            raise _violation("Password policy prevents the reuse of a password.")


def remembered(user: User) -> list[str]:
    """Return the hashes to keep when a user's password changes, the latest first."""
    return [stored for stored in (user.password_hash, *user.password_history) if stored][:_REMEMBERED]


def _violation(text: str) -> ServiceFault:
    return ServiceFault("PasswordPolicyViolation", text)
