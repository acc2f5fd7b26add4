"""Fetches the packages that a machine's own ssh server needs, without installing them: none is to start on the system."""

import hashlib
import os
import tempfile
from pathlib import Path

from coldframe.core import process

_PACKAGES = ("openssh-server", "openssh-sftp-server", "openssh-client", "rsync", "git")
_FILES = "files.tar"
# Whom sshd becomes before it knows who logs in, as the package's installation would add it.
USER = "sshd:x:987:65534::/run/sshd:/usr/sbin/nologin"
_INSTALL = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")
# An apt of somebody else that installs something holds its lock for so long.
_PATIENCE = 300


def files(cache: Path) -> Path:
    """Return a tar archive of the files that the system lacks of the packages, and of what they need.

    They are those of what apt would install, no more: another version must not be unpacked over the system's. The
    archive lies in a folder that is named by it, and never changes. Raises ProgramMissing or ProgramFailed.
    """
    wanted = _kept(cache, _wanted())
    if wanted.is_dir():
        return wanted / _FILES
    try:
        return _fetched(cache)
    except process.ProgramFailed:
        # Old lists name files that the archive has replaced.
        process.run(["apt-get", *_options(), "update", "-qq"], check=False, timeout=300 + _PATIENCE)
        return _fetched(cache)


def with_ssh_server(words: list[str], archive: Path) -> list[str]:
    """Return the words of a command before which the archive is unpacked over the machine's files, of which root alone may write.

    What is unpacked stays in the machine's memory. With links to folders, such as /lib, files go where they lead.
    """
    unpack = (
        'if [ -w /usr ] && ! [ -x /usr/sbin/sshd ]; then tar -C / --keep-directory-symlink -xf "$0"; '
        f"grep -q ^sshd: /etc/passwd || echo '{USER}' >>/etc/passwd; fi; exec \"$@\""
    )
    return ["/bin/sh", "-c", unpack, str(archive), *words]


def _fetched(cache: Path) -> Path:
    kept = _kept(cache, _wanted())
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetching-") as name:
        fetched, place = Path(name) / "fetched", Path(name) / "all"
        (fetched / "partial").mkdir(parents=True)
        place.mkdir()
        command = [
            *_INSTALL,
            "--download-only",
            *_options(),
            "-o",
            f"Dir::Cache::archives={fetched}",
            *_PACKAGES,
        ]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        process.run(command, environment=environment, timeout=600 + _PATIENCE)
        # Unpacked here, once, and not in the machines, slowly.
        tree = Path(name) / "tree"
        tree.mkdir()
        for package in fetched.glob("*.deb"):
            process.run(["dpkg-deb", "--extract", package, tree])
        process.run(["tar", "-C", tree, "--exclude=./usr/share/doc", "-cf", place / _FILES, "."])
        # Another run may have been quicker; what it kept is the same.
        if not kept.is_dir():
            place.rename(kept)
    return kept / _FILES


def _kept(cache: Path, wanted: str) -> Path:
    return cache / "ssh-server" / hashlib.sha256(wanted.encode()).hexdigest()[:16]


def _wanted() -> str:
    """Return what apt would install, with versions."""
    lines = process.run([*_INSTALL, "--simulate", *_options(), *_PACKAGES]).stdout.splitlines()
    return "\n".join(sorted(line for line in lines if line.startswith("Inst ")))


def _options() -> list[str]:
    values = [f"DPkg::Lock::Timeout={_PATIENCE}", "APT::Sandbox::User=root"]
    if os.geteuid() != 0:
        # Nothing is installed, so that the system's lock, which only root can have, is not needed.
        values.append("Debug::NoLocking=true")
    return [word for value in values for word in ("-o", value)]
