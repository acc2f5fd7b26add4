"""Signing in at a database with a token in place of a password: the server judges tokens, the endpoint asks it.

An account for tokens has a password that nobody knows: it is derived from a secret of the server and the user's name.
Its digest in the database is what tells such an account from others. When a token is good, the endpoint is told the
password and signs in with it. One JSON line is a question, one the reply.
"""

import hashlib
import hmac
import json
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from coldframe.core.process import Account
from coldframe.engines.accounts import give

Judge = Callable[[str, str], bool]


def password(secret: bytes, user: str) -> str:
    """Return the password of an account for tokens."""
    return hmac.new(secret, b"sign in as " + user.encode(), hashlib.sha256).hexdigest()


class SignIns:
    """Answers the endpoints' questions at a socket, in a thread of its own, until it is closed.

    `judge` tells whether a user's token is good; it may be slow. `account` may connect.
    """

    def __init__(self, path: Path, account: Account, secret: bytes, judge: Judge) -> None:
        self._path, self._secret, self._judge = path, secret, judge
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self._listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        path.chmod(0o600)
        give(account, path)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._run, name="sign-ins", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as lines, suppress(OSError, ValueError, KeyError):
            connection.settimeout(10)
            for line in lines:
                lines.write(json.dumps(self._answer(json.loads(line))).encode() + b"\n")
                lines.flush()

    def _answer(self, question: dict[str, str]) -> dict[str, str | bool]:
        made = password(self._secret, question["user"])
        if "token" not in question:
            # The digest alone signs nobody in.
            return {"native": hashlib.sha1(_sha1(made), usedforsecurity=False).hexdigest()}
        if self._judge(question["user"], question["token"]):
            return {"allowed": True, "password": made}
        return {"allowed": False}


def _sha1(words: str) -> bytes:
    return hashlib.sha1(words.encode(), usedforsecurity=False).digest()
