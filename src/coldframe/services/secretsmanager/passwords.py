"""Random passwords: of the character types wanted, each of which is there at least once."""

import secrets
import string
from typing import Any

from coldframe.services.secretsmanager.lookup import invalid_parameter

_TYPES = (
    ("ExcludeLowercase", string.ascii_lowercase),
    ("ExcludeUppercase", string.ascii_uppercase),
    ("ExcludeNumbers", string.digits),
    ("ExcludePunctuation", string.punctuation),
)
_DEFAULT_LENGTH = 32


def random_password(options: dict[str, Any]) -> str:
    """Return a password by the options of GetRandomPassword; raises InvalidParameterException."""
    length = options.get("PasswordLength") or _DEFAULT_LENGTH
    excluded = set(options.get("ExcludeCharacters") or "")
    types = [letters for name, letters in _TYPES if not options.get(name)]
    if options.get("IncludeSpace"):
        types.append(" ")
    allowed = ["".join(sorted(set(letters) - excluded)) for letters in types]
    allowed = [letters for letters in allowed if letters]
    if not allowed:
        raise invalid_parameter("All characters of the password are excluded.")
    required = allowed if options.get("RequireEachIncludedType", True) else []
    if length < len(required):
        raise invalid_parameter(f"Password length {length} is too short based on the required types.")
    letters = "".join(allowed)
    chosen = [secrets.choice(each) for each in required]
    chosen += [secrets.choice(letters) for _ in range(length - len(required))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
