"""Asking the person at the screen whether a key may be used now."""

import os
from collections.abc import Callable

from coldframe.core import process

# Takes a question and tells whether the answer was yes.
Confirm = Callable[[str], bool]
_SECONDS = 120


def ask_on_screen(question: str) -> bool:
    """Ask by SSH_ASKPASS, or ssh-askpass; no where there is neither, nor an answer."""
    program = os.environ.get("SSH_ASKPASS") or "ssh-askpass"
    environment = {**os.environ, "SSH_ASKPASS_PROMPT": "confirm"}
    try:
        done = process.converse([program, question], environment=environment, timeout=_SECONDS)
    except (process.ProgramMissing, process.ProgramFailed, OSError):
        return False
    return done.returncode == 0 and done.stdout.strip().lower() in {b"", b"yes"}
