"""Accounts: the management account of an installation and the ones made after it."""

from coldframe.core import ids
from coldframe.core.records import Records
from coldframe.core.seal import Seal
from coldframe.identity.records import AccessKey, Account
from coldframe.identity.secret_keys import PURPOSE

DEV_ACCOUNT = "123456789012"


def create_account(records: Records, *, account_id: str, name: str, email: str, now: int) -> Account:
    """Record a new account (times are seconds since the epoch); raises DuplicateAccountException."""
    account = Account(id=account_id, name=name, email=email, created=now)
    records.add(account)
    return account


def find_or_create(records: Records, account_id: str, *, now: int) -> Account:
    """Return an account; in dev mode an access key id may name one that nobody made, which is recorded then."""
    found = records.find(Account, account_id)
    if found is not None:
        return found
    return create_account(
        records, account_id=account_id, name=account_id, email=f"{account_id}@coldframe.internal", now=now
    )


def create_access_key(
    records: Records, seal: Seal, *, account: str, user: str, now: int
) -> tuple[AccessKey, str]:
    """Record a new key pair as `new_access_key` does, and return its secret as text, which nobody can wipe."""
    key, secret = new_access_key(records, seal, account=account, user=user, now=now)
    return key, secret.decode()


def new_access_key(
    records: Records, seal: Seal, *, account: str, user: str, now: int
) -> tuple[AccessKey, bytearray]:
    """Record a new key pair for a user (or root, `user` empty) and return it with its secret, shown only now.

    The secret is the caller's to wipe.
    """
    key_id = ids.unique_id("AKIA", 16)
    secret = ids.secret_key()
    key = AccessKey(
        id=key_id,
        account=account,
        user=user,
        sealed_secret=seal.seal_once(PURPOSE, key_id, secret),
        created=now,
    )
    records.add(key)
    return key, secret
