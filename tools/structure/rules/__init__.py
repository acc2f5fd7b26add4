"""The rules, one file each: `check(root)` returns what is wrong, each as `file:line: what and what to do`."""

from collections.abc import Callable
from pathlib import Path

from tools.structure.rules import (
    commands,
    dependencies,
    links,
    names,
    openings,
    operations,
    readme,
    service_folders,
    service_pages,
    settings,
    sizes,
    words,
)

Rule = Callable[[Path], list[str]]

RULES: dict[str, Rule] = {
    "service folders have their shape": service_folders.check,
    "operations are AWS's, and what is not built says why": operations.check,
    "every file opens with a sentence": openings.check,
    "files keep to their size": sizes.check,
    "names say what a file holds": names.check,
    "no machine's paths, no package hosts": words.check,
    "commands are documented": commands.check,
    "settings are documented": settings.check,
    "the README has all eighteen systems": readme.check,
    "service pages list what is built": service_pages.check,
    "dependencies have their reasons": dependencies.check,
    "links lead somewhere": links.check,
}
