"""Data directories ready to be copied: initdb takes a second, a copy a fraction of it."""

import fcntl
import os
import re
import shutil
from importlib import resources
from pathlib import Path

from coldframe.core import durable
from coldframe.engines.database import InstanceSpec, Version
from coldframe.engines.postgresql import admin, layout, programs
from coldframe.engines.postgresql.cluster import Cluster

# Changes when what is in a template does, so that an older one is not used.
_EDITION = 4


def lay_in(version: Version, cache: Path, target: Path) -> None:
    """Make the data directory `target` from the template of a version, which is made first when there is none."""
    kept = cache / f"{version.number}-{_EDITION}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _make(version, kept)
    clone(kept, target)


def clone(folder: Path, target: Path) -> None:
    """Copy a data directory, sharing blocks where the file system can, and give it to the instance's user."""
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    programs.copy(folder, fresh)
    programs.own(fresh)
    fresh.chmod(0o700)
    # A server that was stopped properly syncs nothing that it does not change.
    durable.rename_tree(fresh, target)


def _make(version: Version, kept: Path) -> None:
    room = kept.with_name(f"{kept.name}.{os.getpid()}")
    shutil.rmtree(room, ignore_errors=True)
    spec = InstanceSpec(name="template", version=version.number, folder=room, serial=0)
    layout.prepare(spec)
    empty = layout.data(spec)
    initialise(version, empty)
    cluster = Cluster(spec, version)
    cluster.start("open")
    try:
        with admin.connected(layout.socket(spec), "postgres") as connection:
            connection.query(f"CREATE DATABASE {admin.DATABASE}")
        with admin.connected(layout.socket(spec)) as connection:
            for statement in statements(version):
                connection.query(statement)
    finally:
        cluster.stop()
    for name in ("postmaster.opts", "postgresql.auto.conf"):
        (empty / name).unlink(missing_ok=True)
    durable.rename_tree(empty, kept)
    shutil.rmtree(room)


def initialise(version: Version, data: Path) -> None:
    """Make an empty data directory of a version, of the kind that all instances have; raises DatabaseError."""
    data.mkdir(mode=0o700)
    programs.own(data)
    words: list[str | Path] = [
        *("-D", data, "-U", admin.USER, "-A", "peer", "-E", "UTF8"),
        "--locale=C.UTF-8",
    ]
    programs.run([version.programs / "initdb", *words, "--data-checksums", "--no-sync"], folder=data.parent)


def statements(version: Version) -> list[str]:
    """Return the statements that make what every instance has before anybody uses it."""
    text = resources.files(__package__).joinpath("template.sql").read_text(encoding="utf-8")
    # ADMIN OPTION alone, which the master user has of this role from 16 on, is no membership to sign in by.
    text = text.replace("TOKEN_RIGHT", "MEMBER" if int(version.major) < 16 else "SET")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    # What goes on in the next line is indented, also behind a semicolon of a function's own.
    return [part.strip() for part in re.split(r";\n(?! )", "\n".join(lines) + "\n") if part.strip()]
