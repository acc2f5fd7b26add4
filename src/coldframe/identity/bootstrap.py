"""The first start: the management account and its root key pair."""

from collections.abc import Callable

from coldframe.core import ids
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.core.seal import SealBroken
from coldframe.core.wiping import wipe
from coldframe.identity.accounts import DEV_ACCOUNT, create_access_key, create_account
from coldframe.identity.records import AccessKey, Account
from coldframe.identity.secret_keys import PURPOSE


def set_up(
    installation: Installation, keep: Callable[[str, str, str], None] | None = None
) -> tuple[str, str, str] | None:
    """Make the management account if there is no account yet.

    `keep` stores the root key pair where its owner finds it, before the account exists: a crash in between leaves a key
    pair of no account, which the next start replaces, and never an account whose key nobody knows. Returns the account id, access key id and secret of its root, or None when there is an account already. In dev
    mode the account is 123456789012, which made-up credentials stand for. Raises SealBroken when the store's secrets were
    sealed with another master key.
    """
    now = int(installation.clock.seconds())
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        if records.count(Account):
            _check_master_key(installation, records)
            return None
        account_id = DEV_ACCOUNT if installation.settings.dev else ids.digits(12)
        create_account(
            records, account_id=account_id, name="management", email="root@coldframe.internal", now=now
        )
        key, secret = create_access_key(records, installation.seal, account=account_id, user="", now=now)
        if keep is not None:
            keep(account_id, key.id, secret)
    return account_id, key.id, secret


def _check_master_key(installation: Installation, records: Records) -> None:
    """Open one of the store's secrets: with a wrong key every signature would fail, and nobody would know why."""
    for key in records.list(AccessKey, limit=1):
        try:
            wipe(installation.seal.open_once(PURPOSE, key.id, key.sealed_secret))
        except SealBroken as error:
            raise SealBroken(
                f"{installation.settings.data_dir / 'master.key'} is not the master key that the store's secrets "
                "were sealed with; put the one back that belongs to this store"
            ) from error
