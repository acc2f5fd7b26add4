"""Signing in, with an access key pair or with the password of an IAM user, and signing out."""

import threading
from collections import deque
from urllib.parse import parse_qs

from coldframe.console import sessions
from coldframe.console.render import Renderer
from coldframe.console.visit import form_values, redirect
from coldframe.core.faults import AccessDenied
from coldframe.core.installation import Installation
from coldframe.core.wire import WireRequest, WireResponse
from coldframe.identity import credentials, mfa
from coldframe.identity.caller import Caller
from coldframe.identity.records import Account, MfaDevice, User
from coldframe.services.iam import passwords

PATH = "/console/sign-in"
# As many wrong passwords within this many seconds close an account's sign-in for the rest of them.
_MOST_FAILURES, _FAILURE_SECONDS = 20, 300
# What a wrong user name is compared with, so that it takes as long as a wrong password.
_NOBODY = passwords.hashed("", "00" * 16)
_UNSENT = "Your session had ended, and what you sent was not done. Sign in, and send it again."
_WRONG = "Your sign-in information is incorrect."


class Failures:
    """Counts failed sign-ins of each account, in memory and bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: dict[str, deque[int]] = {}

    def too_many(self, name: str, now: int) -> bool:
        """Tell whether this name has failed too often lately."""
        with self._lock:
            failed = self._failed.get(name)
            while failed and failed[0] <= now - _FAILURE_SECONDS:
                failed.popleft()
            if failed is not None and not failed:
                del self._failed[name]
            return failed is not None and len(failed) >= _MOST_FAILURES

    def add(self, name: str, now: int) -> None:
        """Remember a failure; of names that are made up only so many."""
        with self._lock:
            if name not in self._failed and len(self._failed) >= 10_000:
                self._failed.pop(next(iter(self._failed)))
            self._failed.setdefault(name, deque(maxlen=_MOST_FAILURES)).append(now)


_FAILURES = Failures()


def answer(installation: Installation, render: Renderer, request: WireRequest, now: int) -> WireResponse:
    """Show the form, or sign in (or out) whoever sent it."""
    asked = parse_qs(request.query)
    back = _inside(asked.get("to", ["/console"])[0])
    if request.method != "POST":
        problem = _UNSENT if "unsent" in asked else ""
        return render.plain("sign_in.html", back=back, sent={}, problem=problem)
    form = {name: values[0] for name, values in form_values(request).items()}
    if form.get("leave"):
        response = redirect(PATH)
        response.headers["set-cookie"] = sessions.no_cookie()
        return response
    tried = form.get("key") or f"{form.get('account', '')}/{form.get('user', '')}"
    session = None
    problem = "There were too many wrong passwords; try again in five minutes."
    if not _FAILURES.too_many(tried, now):
        session, problem = (
            _by_key(installation, form, now) if "key" in form else _by_password(installation, form, now)
        )
    if session is None:
        _FAILURES.add(tried, now)
        shown = {name: form.get(name, "") for name in ("key", "account", "user")}
        return render.plain("sign_in.html", status=403, back=back, sent=shown, problem=problem)
    response = redirect(_inside(form.get("to", "/console")))
    response.headers["set-cookie"] = sessions.cookie(installation, session, secure=request.secure)
    return response


def _by_key(
    installation: Installation, form: dict[str, str], now: int
) -> tuple[sessions.Session | None, str]:
    key = form.get("key", "").strip()
    found = credentials.find(installation, key, None)
    if found is None or not found.key.matches(form.get("secret", "").strip()):
        return None, "The access key id or the secret access key is wrong."
    return sessions.begin(found.principal, now, key=key), ""


def _by_password(
    installation: Installation, form: dict[str, str], now: int
) -> tuple[sessions.Session | None, str]:
    account = _account(installation, form.get("account", "").strip())
    name = form.get("user", "").strip()
    user = installation.store.cached(User, account, "", name) if account and name else None
    stored = user.password_hash if user is not None else ""
    right = passwords.matches(form.get("password", ""), stored or _NOBODY)
    if user is None or not stored or not right:
        return None, _WRONG
    if user.password_reset_required:
        return (
            None,
            "The password must be changed first: sign in with an access key and change it, or ask for another one.",
        )
    principal = credentials.user_principal(account, user)
    if not _has_proved_device(installation, principal, form.get("code", "").strip()):
        return None, "This user signs in with a code of an MFA device: the code is missing or wrong."
    return sessions.begin(principal, now, changed=user.password_changed), ""


def _has_proved_device(installation: Installation, principal: Caller, code: str) -> bool:
    """Tell whether a user gave a code of one of their devices; True for a user who has none."""
    name = principal.arn.rpartition("/")[2]
    with installation.store.read() as transaction:
        devices = transaction.records(principal.account, "").list(MfaDevice, where={"user": name})
    for device in devices:
        try:
            return mfa.check_code(installation, principal, device.serial, code)
        except AccessDenied:
            continue  # the code may be another device's
    return not devices


def _account(installation: Installation, name: str) -> str:
    """Return the id of an account that is named by id or alias; empty when there is none."""
    with installation.store.read() as transaction:
        for _, _, account in transaction.records("", "").everywhere(Account):
            if not account.closed and name and name in {account.id, account.alias}:
                return account.id
    return ""


def _inside(address: str) -> str:
    """Return an address of this console, whatever was asked for: a sign-in sends nobody elsewhere."""
    inside = address == "/console" or address.startswith("/console/")
    return address if inside and "\\" not in address and "//" not in address.partition("?")[0] else "/console"
