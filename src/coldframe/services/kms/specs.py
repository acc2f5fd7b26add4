"""Key specs: which kind of key each is, how large, and the algorithms of each usage (specs.toml)."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from coldframe.core.struct_types import whole

Kind = Literal["symmetric", "rsa", "ec", "ed25519", "hmac", "ml-dsa", "ml-kem"]


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key spec; `size` is in bytes for symmetric and HMAC keys, in bits for RSA keys."""

    kind: Kind
    usage: dict[str, list[str]]
    size: int = 0

    @property
    def asymmetric(self) -> bool:
        """Whether the key has a public half."""
        return self.kind not in {"symmetric", "hmac"}


@cache
def specs() -> dict[str, Spec]:
    """Return every spec that is built, by its name."""
    text = resources.files(__package__).joinpath("specs.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=whole(dict[str, Spec]))
