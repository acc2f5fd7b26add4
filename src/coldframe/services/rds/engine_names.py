"""What RDS says of each engine that it offers here: its port, its licence, how its versions make families."""

import re
import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from coldframe.core.struct_types import whole
from coldframe.services.rds.faults import bad_value

_FAMILY = re.compile(r"(mariadb|postgres|aurora-postgresql)(\d+(?:\.\d+)?)")
_OTHERS = {
    "mysql": "There is no MySQL on this machine, and MariaDB is never offered under its name; use mariadb.",
    "aurora-mysql": "There is no MySQL on this machine, and MariaDB is never offered under its name; use mariadb, which has"
    " clusters here, too.",
    "aurora": "There is no MySQL on this machine, and MariaDB is never offered under its name; use mariadb, which has"
    " clusters here, too.",
}


class EngineName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An engine as RDS names it; `part` is the engine of this installation that does its work."""

    part: str
    title: str
    description: str
    port: int
    licence: str
    digits: int
    option_versions: int
    longest_user: int
    longest_password: int
    longest_database: int
    logs: list[str]
    character_set: str
    reserved: list[str]
    name: str = ""
    alone: bool = True
    grown: bool = False
    parameters: str = ""

    @property
    def tables(self) -> str:
        """The engine whose parameters it has."""
        return self.parameters or self.name

    def major(self, version: str) -> str:
        """Return the major version that a version belongs to: 10.11 of 10.11.6, 15 of 15.4."""
        return ".".join(version.split(".")[: self.digits])

    def family(self, version: str) -> str:
        """Return the parameter group family of a version: mariadb10.11, postgres15."""
        return f"{self.name}{self.major(version)}"


def version_order(version: str) -> list[int]:
    """Return what versions are sorted by."""
    return [int(part) for part in version.split(".") if part.isdigit()]


@cache
def names() -> dict[str, EngineName]:
    """Return every engine that is offered, by its name."""
    text = files("coldframe.services.rds").joinpath("engine_names.toml").read_text("utf-8")
    return {
        name: msgspec.convert({**described, "name": name}, whole(EngineName))
        for name, described in tomllib.loads(text).items()
    }


def named(name: str) -> EngineName:
    """Return an engine by its name, in whatever case; raises InvalidParameterValue, which says why it is not offered."""
    found = names().get(name.lower())
    if found is None:
        raise bad_value(f"Invalid DB engine: {name}. {_OTHERS.get(name.lower(), '')}".removesuffix(". "))
    return found


def of_family(family: str) -> tuple[EngineName, str] | None:
    """Return the engine and the major version of a parameter group family; None for one that no engine has."""
    found = _FAMILY.fullmatch(family)
    return (names()[found[1]], found[2]) if found else None
