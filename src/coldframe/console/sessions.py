"""Who is signed in: a short session, sealed into a cookie; whoever it names is looked up again at every request."""

import base64
import hmac
import secrets
from dataclasses import dataclass

import msgspec

from coldframe.core.installation import Installation
from coldframe.core.seal import SealBroken
from coldframe.core.struct_types import whole
from coldframe.identity import credentials
from coldframe.identity.caller import Caller
from coldframe.identity.records import AccessKey, Account, User

COOKIE = "coldframe-console"
# A session ends an hour after its last request, and twelve hours after the sign-in, as the AWS console's does.
IDLE_SECONDS = 60 * 60
LONGEST_SECONDS = 12 * 60 * 60
_PURPOSE, _PLACE = "console session", "cookie"


class Session(msgspec.Struct, frozen=True, array_like=True):
    """A sign-in. `key` is the access key id that was used, empty for a password; times are seconds since 1970.

    `changed` is when the password was set that was used: another password ends the session. `token` is what forms
    must send back.
    """

    account: str
    user: str
    key: str
    changed: int
    began: int
    seen: int
    token: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that still stands, and the principal whose it is."""

    session: Session
    principal: Caller


def begin(principal: Caller, now: int, *, key: str = "", changed: int = 0) -> Session:
    """Return a new session of a user, or of an account's root."""
    user = principal.arn.rpartition("/")[2] if principal.kind == "user" else ""
    return Session(principal.account, user, key, changed, now, now, secrets.token_urlsafe(24))


def cookie(installation: Installation, session: Session, *, secure: bool) -> str:
    """Return the Set-Cookie header that keeps a session; scripts and other sites cannot use it."""
    sealed = installation.seal.seal(_PURPOSE, _PLACE, msgspec.msgpack.encode(session))
    value = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    return f"{COOKIE}={value}; Path=/console; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def no_cookie() -> str:
    """Return the Set-Cookie header that ends a session in the browser."""
    return f"{COOKIE}=; Path=/console; HttpOnly; SameSite=Strict; Max-Age=0"


def read(installation: Installation, header: str, now: int) -> SignedIn | None:
    """Return the session in a Cookie header, if it was sealed here, is young enough, and its principal still may."""
    value = _value(header)
    try:
        sealed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        session = msgspec.msgpack.decode(
            installation.seal.open(_PURPOSE, _PLACE, sealed), type=whole(Session)
        )
    except (SealBroken, ValueError, msgspec.DecodeError):
        return None
    if now - session.seen > IDLE_SECONDS or now - session.began > LONGEST_SECONDS:
        return None
    principal = _principal(installation, session)
    return SignedIn(session, principal) if principal is not None else None


def renewed(session: Session, now: int) -> Session | None:
    """Return the session seen now; None while that would change little, so that not every answer sets a cookie."""
    return msgspec.structs.replace(session, seen=now) if now - session.seen > IDLE_SECONDS // 20 else None


def is_token(session: Session, token: str) -> bool:
    """Tell whether a form's token is this session's."""
    return hmac.compare_digest(session.token.encode(), token.encode())


def _value(header: str) -> str:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _principal(installation: Installation, session: Session) -> Caller | None:
    store = installation.store
    account = store.cached(Account, "", "", session.account)
    if account is None or account.closed:
        return None
    if session.key:
        key = store.cached(AccessKey, "", "", session.key)
        if key is None or key.status != "Active" or key.account != session.account:
            return None
    if not session.user:
        return credentials.root(session.account)
    user = store.cached(User, session.account, "", session.user)
    if user is None or (not session.key and user.password_changed != session.changed):
        return None
    return credentials.user_principal(session.account, user)
