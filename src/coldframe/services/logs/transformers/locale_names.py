"""The names of months and days in the languages of locale_names.toml."""

import re
from functools import cache
from importlib import resources

import msgspec

from coldframe.core.struct_types import whole
from coldframe.services.logs.transformers.errors import InvalidTransformer


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The names of one language, in their order."""

    months: list[str]
    short_months: list[str]
    days: list[str]
    short_days: list[str]
    halves: list[str]

    def any_of(self, kind: str) -> str:
        """Return an expression for any of the names of a kind, longest first; the last point may be missing."""
        found = sorted(getattr(self, kind), key=len, reverse=True)
        return "|".join(
            re.escape(name[:-1]) + r"\.?" if name.endswith(".") else re.escape(name) for name in found
        )

    def position(self, kind: str, text: str) -> int:
        """Return a name's place, counted from 0, whatever its case and with or without its last point."""
        wanted = text.casefold().removesuffix(".")
        return [name.casefold().removesuffix(".") for name in getattr(self, kind)].index(wanted)


def names_of(locale: str) -> Names:
    """Return the names for a locale (de, de_DE, de-AT); raises InvalidTransformer for a language without a table."""
    language = re.split(r"[-_]", locale)[0].lower()
    if language in {"root", "locale.root", ""}:
        language = "en"
    table = _table()
    if language not in table:
        known = ", ".join(sorted(table))
        raise InvalidTransformer(f"locale {locale!r} is not one of the supported languages: {known}")
    return table[language]


@cache
def _table() -> dict[str, Names]:
    text = resources.files(__package__).joinpath("locale_names.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=whole(dict[str, Names]))
