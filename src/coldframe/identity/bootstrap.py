"""The first start: the management account and its root key pair."""

from coldframe.core import ids
from coldframe.core.installation import Installation
from coldframe.identity.accounts import DEV_ACCOUNT, create_access_key, create_account
from coldframe.identity.records import Account


def set_up(installation: Installation) -> tuple[str, str, str] | None:
    """Make the management account if there is no account yet.

    Returns the account id, access key id and secret of its root, or None when there is an account already. In dev
    mode the account is 123456789012, which made-up credentials stand for.
    """
    now = int(installation.clock.seconds())
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        if records.count(Account):
            return None
        account_id = DEV_ACCOUNT if installation.settings.dev else ids.digits(12)
        create_account(
            records, account_id=account_id, name="management", email="root@coldframe.internal", now=now
        )
        key, secret = create_access_key(records, installation.seal, account=account_id, user="", now=now)
    return account_id, key.id, secret
