"""Makes full names from Faker's lists of many countries, split by word into names for training and names for testing."""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from zlib import crc32

# Weighted by repetition: log files in English come with names of everywhere, English ones first.
LOCALES = (
    *("en_US",) * 8, *("en_GB",) * 4, *("de_DE",) * 4, *("fr_FR",) * 4, *("es_ES",) * 4, *("it_IT",) * 4, *("pt_BR",) * 3,
    "en_IN", "en_IN", "en_NZ", "en_IE", "fr_CA", "es_MX", "es_CO", "es_AR", "de_AT", "de_CH", "fr_CH", "nl_NL", "nl_BE",
    "pl_PL", "cs_CZ", "sk_SK", "sv_SE", "da_DK", "no_NO", "fi_FI", "hr_HR", "hu_HU", "ro_RO", "pt_PT", "tr_TR", "et_EE",
    "lv_LV", "en_KE", "zu_ZA", "id_ID", "vi_VN", "sl_SI", "en_PK", "is_IS", "tw_GH", "yo_NG",
)  # fmt: skip
_LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ'’-]{2,}\Z")
_TEST_SHARE = 5


@dataclass(frozen=True)
class Lists:
    """The given and family names of one locale."""

    given: Sequence[str]
    family: Sequence[str]


def is_test(word: str) -> bool:
    """Say whether `word` is kept out of training when a model is measured on unseen names."""
    return crc32(b"split" + word.lower().encode()) % _TEST_SHARE == 0


def load(locale: str) -> Lists:
    """Return all Latin names that Faker has for `locale`, sorted."""
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    found: dict[str, set[str]] = {"first": set(), "last": set()}
    for attribute in dir(provider):
        values = getattr(provider, attribute)
        if attribute.startswith("_") or "format" in attribute or callable(values) or isinstance(values, str):
            continue
        for kind, names in found.items():
            if kind in attribute:
                names.update(word for word in values if isinstance(word, str) and _LATIN.match(word))
    return Lists(sorted(found["first"]), sorted(found["last"]))


def load_all() -> dict[str, Lists]:
    """Return the lists of every locale that has both given and family names."""
    lists = {locale: load(locale) for locale in sorted(set(LOCALES))}
    return {locale: names for locale, names in lists.items() if names.given and names.family}


def part(lists: dict[str, Lists], test: bool) -> dict[str, Lists]:
    """Return only the names for testing, or only those for training."""
    return {
        locale: Lists(
            [w for w in names.given if is_test(w) == test], [w for w in names.family if is_test(w) == test]
        )
        for locale, names in lists.items()
    }


class People:
    """Draws full names as people and systems write them."""

    def __init__(self, lists: dict[str, Lists], random: Random) -> None:
        self._lists = {locale: names for locale, names in lists.items() if names.given and names.family}
        self._locales = [locale for locale in LOCALES if locale in self._lists]
        self._random = random

    def parts(self, locale: str | None = None) -> tuple[list[str], str]:
        """Return the words of the given name, and the family name, of one person."""
        random = self._random
        locale = locale or random.choice(self._locales)
        names = self._lists[locale]
        given = [random.choice(names.given)]
        family = random.choice(names.family)
        draw = random.random()
        if draw < 0.08:
            given.append(random.choice(names.given))
        elif draw < 0.13 and locale.startswith("en"):
            given.append(random.choice("ABCDEFGHJKLMNPRSTW") + random.choice((".", "")))
        elif draw < 0.16 and "-" not in given[0]:
            given[0] += "-" + random.choice(names.given)
        draw = random.random()
        if locale[:2] in {"es", "pt"} and draw < 0.5:
            family += " " + random.choice(names.family)
        elif draw < 0.04 and "-" not in family:
            family += "-" + random.choice(names.family)
        elif draw < 0.08:
            family = random.choice(_PARTICLES.get(locale[:2], ("de", "van", "von"))) + " " + family
        return given, family

    def full(self, locale: str | None = None) -> str:
        """Return a name, given name first, capitalised."""
        given, family = self.parts(locale)
        return " ".join((*given, family))


_PARTICLES = {
    "de": ("von", "zu", "von der"),
    "nl": ("van", "van der", "de", "van den", "ter"),
    "fr": ("de", "du", "de la"),
    "it": ("di", "de", "della"),
    "pt": ("da", "dos", "de", "do"),
    "es": ("de", "de la", "del"),
}
