"""Fetches the packages that a machine's own ssh server needs, without installing them: no test starts one on the system."""

import os
from pathlib import Path

from coldframe.core import process

_PACKAGES = ("openssh-server", "openssh-sftp-server", "openssh-client", "rsync", "git")


def packages(cache: Path) -> Path:
    """Return a folder with those of the packages, and of what they need, that the system does not have.

    Raises ProgramMissing or ProgramFailed.
    """
    folder = cache / "ssh-server"
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "install", "-y", "-qq", "--download-only", "--no-install-recommends"]
    options = ["-o", f"Dir::Cache::archives={folder}", "-o", "APT::Sandbox::User=root"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    process.run([*command, *options, *_PACKAGES], environment=environment, timeout=600)
    return folder
