"""User metadata beyond ASCII: decoded when it comes and encoded when it is told, as RFC 2047 has it for mail.

Which of its two encodings a text gets follows what AWS does: Q where most characters are ASCII, else B.
Source: Amazon S3 User Guide, "Working with object metadata".
"""

from base64 import b64encode
from binascii import Error
from email.errors import HeaderParseError
from email.header import decode_header, make_header

_SPECIAL = frozenset("=_?")


def decoded(text: str) -> str:
    """Return a text with its encoded words decoded; one that is none stays as it is."""
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError, Error):
        return text


def told(text: str) -> str:
    """Return a text as a header may have it: encoded, if not all of it is printable ASCII."""
    plain = sum(_is_plain(character) for character in text)
    if plain == len(text):
        return text
    if plain <= len(text) - plain:
        return f"=?UTF-8?B?{b64encode(text.encode(errors='replace')).decode()}?="
    return f"=?UTF-8?Q?{''.join(map(_quoted, text))}?="


def _is_plain(character: str) -> bool:
    return " " <= character <= "~" or character == "\t"


def _quoted(character: str) -> str:
    if character == " ":
        return "_"
    if _is_plain(character) and character not in _SPECIAL:
        return character
    return "".join(f"={byte:02X}" for byte in character.encode(errors="replace"))
