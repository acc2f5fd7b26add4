"""The instance classes: what each has of processors, memory and local storage, and what an instance gets of it here."""

import os
import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from coldframe.services.rds.faults import bad_value

GIB = 1024**3
_LEAST = 128 * 1024 * 1024
_SHARE = 16


class InstanceClass(msgspec.Struct, frozen=True):
    """A class: vCPUs, memory in bytes, and local storage in bytes (0 for classes without)."""

    name: str
    processors: int
    memory: int
    local_storage: int = 0

    @property
    def given(self) -> int:
        """The memory in bytes that an instance of the class gets: a sixteenth, at least 128 MiB, at most a quarter of the machine.

        What the class has at AWS is more than one machine has to give to many instances. It grows with the class, and the
        formulas of parameter groups reckon with it.
        """
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return max(_LEAST, min(self.memory // _SHARE, machine // 4))

    @property
    def scratch(self) -> int:
        """The bytes of local storage that an instance gets for temporary tables: a sixteenth of the class's."""
        return self.local_storage // _SHARE


@cache
def classes() -> dict[str, InstanceClass]:
    """Return every class by its name, db.m5d.large for one."""
    text = files("coldframe.services.rds").joinpath("instance_classes.toml").read_text("utf-8")
    table = tomllib.loads(text)
    found = {}
    for family, about in table["families"].items():
        for size in about["sizes"]:
            processors, memory = table["sizes"][size]
            name = f"db.{family}.{size}"
            local = table["local_storage"].get(family, {}).get(size, 0)
            found[name] = InstanceClass(name, processors, int(memory * about["memory"]) * GIB, local * 10**9)
    return found


def named(name: str) -> InstanceClass:
    """Return a class by its name; raises InvalidParameterValue."""
    found = classes().get(name)
    if found is None:
        raise bad_value(f"Invalid DB Instance class: {name}")
    return found
