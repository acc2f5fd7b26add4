"""One byte per character: the 8-bit character set the prefilter reads, so that a byte offset is a character offset.

ASCII stays as it is, the letters that occur in keywords have a byte above 127, everything else becomes "?".
"""

import codecs
from collections.abc import Iterable

# The marker of codecs.charmap_build for a byte that stands for no character.
_UNUSED = "\ufffe"


def variants(character: str) -> set[str]:
    """The character in both cases, as single characters (the Greek final sigma counts as a sigma)."""
    forms = {character, character.lower(), character.upper(), character.upper().lower()}
    return {form for form in forms if len(form) == 1}


class Charset:
    """An 8-bit character set made of ASCII and at most 128 further characters."""

    def __init__(self, characters: Iterable[str]) -> None:
        wanted = {form for character in characters for form in variants(character)}
        above = sorted(character for character in wanted if not character.isascii())
        if len(above) > 128:
            raise ValueError(f"keywords use {len(above)} letters outside ASCII; one byte has room for 128")
        table = "".join(map(chr, range(128))) + "".join(above) + _UNUSED * (128 - len(above))
        self._map = codecs.charmap_build(table)
        self._patterns: dict[str, str] = {}
        self._bytes = {character: 128 + index for index, character in enumerate(above)}

    def encode(self, text: str) -> bytes:
        """The text, one byte per character."""
        if text.isascii():
            return text.encode("ascii")
        return codecs.charmap_encode(text, "replace", self._map)[0]

    def pattern(self, character: str) -> str:
        """A regular expression over these bytes for one character in either case (ASCII case is the caller's)."""
        known = self._patterns.get(character)
        if known is None:
            known = self._patterns[character] = self._pattern(character)
        return known

    def _pattern(self, character: str) -> str:
        if character.isascii():
            return character if character.isalnum() else f"\\x{ord(character):02x}"
        codes = sorted(self._bytes[form] for form in variants(character) if form in self._bytes)
        return "[" + "".join(f"\\x{code:02x}" for code in codes) + "]"
