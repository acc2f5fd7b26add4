"""From an access key id to a secret and the principal it stands for."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from coldframe.core.gathered import Gathered
from coldframe.core.installation import Installation
from coldframe.identity import sessions
from coldframe.identity.accounts import DEV_ACCOUNT
from coldframe.identity.caller import Caller
from coldframe.identity.records import AccessKey, Account, Role, User
from coldframe.identity.secret_keys import SecretKey, SecretKeys


class Found(msgspec.Struct, frozen=True):
    """What stands behind an access key id; `token` and `expires` only for temporary credentials."""

    key: SecretKey
    principal: Caller
    token: str | None = None
    expires: datetime | None = None

    def __repr__(self) -> str:
        """Show who, never the secret."""
        return f"Found({self.principal.arn})"


class LongLived:
    """What the access keys of users and accounts stand for, kept in memory until a key, user or account changes."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._found: Gathered[str, Found] = Gathered(installation.store, (AccessKey, Account, User))

    def find(self, access_key_id: str) -> Found | None:
        """Return the key and its principal, or None when it is unknown or inactive."""
        known = self._found.now()
        found = known.get(access_key_id)
        if found is None:
            found = _of_key(self._installation, access_key_id)
            if found is not None:
                known[access_key_id] = found
        return found


def anonymous() -> Caller:
    """Return the principal of a request without credentials."""
    return Caller(kind="anonymous")


@lru_cache(maxsize=1024)
def root(account: str) -> Caller:
    """Return the root principal of an account."""
    return Caller(kind="root", arn=f"arn:aws:iam::{account}:root", account=account, user_id=account)


def known(installation: Installation, access_key_id: str | None) -> bool:
    """Tell whether this installation gave out the access key id."""
    if access_key_id is None:
        return False
    if access_key_id.startswith("ASIA"):
        return True
    return installation.store.cached(AccessKey, "", "", access_key_id) is not None


def dev_principal(access_key_id: str | None) -> Caller:
    """Return the root of the account that a made-up access key id names: its twelve digits, or the dev account."""
    if access_key_id is not None and len(access_key_id) == 12 and access_key_id.isdigit():
        return root(access_key_id)
    return root(DEV_ACCOUNT)


def find(installation: Installation, access_key_id: str, token: str | None) -> Found | None:
    """Return key and principal of an access key id, or None when it is unknown, inactive or not a session's."""
    if token is not None:
        return _of_session(installation, access_key_id, token)
    return installation.parts.get(LongLived).find(access_key_id)


def _of_key(installation: Installation, access_key_id: str) -> Found | None:
    key = installation.store.cached(AccessKey, "", "", access_key_id)
    if key is None or key.status != "Active":
        return None
    if _is_closed(installation, key.account):
        return None
    principal = root(key.account)
    if key.user:
        user = installation.store.cached(User, key.account, "", key.user)
        if user is None:
            return None
        principal = user_principal(key.account, user)
    secrets = installation.parts.get(SecretKeys)
    secret = secrets.of(key)
    now = installation.store.cached(AccessKey, "", "", access_key_id)
    if now is None or now.status != "Active":  # in between, and dropped by then
        secrets.forget(access_key_id)
        return None
    return Found(secret, principal)


def user_principal(account: str, user: User, session: sessions.Session | None = None) -> Caller:
    """Return the principal of an IAM user, or of a session that the user asked for."""
    return Caller(
        kind="user",
        arn=f"arn:aws:iam::{account}:user{user.path}{user.name}",
        account=account,
        user_id=user.id,
        tags=user.tags,
        session=session,
    )


def session_principal(installation: Installation, session: sessions.Session) -> Caller | None:
    """Return the principal of temporary credentials; None when the role or user they came from is gone."""
    if session.kind == "root":
        return replace(root(session.account), session=session)
    if session.kind == "user":
        user = installation.store.cached(User, session.account, "", session.source.rpartition("/")[2])
        if user is None or user.id != session.source_id:
            return None
        return user_principal(session.account, user, session)
    if session.kind == "federated":
        return Caller(
            kind="federated-user",
            arn=f"arn:aws:sts::{session.account}:federated-user/{session.name}",
            account=session.account,
            user_id=f"{session.account}:{session.name}",
            issuer_arn=session.source,
            tags=session.tags,
            session=session,
        )
    role_name = session.source.rpartition("/")[2]
    role = installation.store.cached(Role, session.account, "", role_name)
    if role is None or role.id != session.source_id:
        return None
    return Caller(
        kind="role-session",
        arn=f"arn:aws:sts::{session.account}:assumed-role/{role_name}/{session.name}",
        account=session.account,
        user_id=f"{role.id}:{session.name}",
        issuer_arn=session.source,
        tags={**role.tags, **session.tags},
        service_linked=role.service_linked,
        session=session,
    )


def _of_session(installation: Installation, access_key_id: str, token: str) -> Found | None:
    try:
        session = sessions.read(installation.seal, access_key_id, token)
    except sessions.InvalidToken:
        return None
    principal = session_principal(installation, session)
    if principal is None or _is_closed(installation, principal.account):
        return None
    secret = installation.parts.get(SecretKeys).of_session(access_key_id)
    return Found(secret, principal, token, datetime.fromtimestamp(session.expires, UTC))


def _is_closed(installation: Installation, account_id: str) -> bool:
    account = installation.store.cached(Account, "", "", account_id)
    return account is not None and account.status == "SUSPENDED"
