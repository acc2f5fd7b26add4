"""Fetches OpenSSH's source with apt, changes it, and builds ssh and ssh-keygen, once for a version and a patch."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from coldframe.core import process

PATCH = Path(__file__).with_name("keyring.patch")
_FIELDS = "$(REPO_URI)|$(CODENAME)|$(ORIGIN)"
_LEAVE_OUT = ("zlib", "pam", "selinux", "kerberos5", "libedit")
_BUILDING = 1200


def build(cache: Path) -> Path:
    """Return the folder with the programs, from the cache if it has them; raises ProgramMissing or ProgramFailed."""
    digest = hashlib.sha256(_version().encode() + PATCH.read_bytes()).hexdigest()[:16]
    done = cache / "patched-ssh" / digest
    if done.is_dir():
        return done
    with tempfile.TemporaryDirectory(prefix="coldframe-openssh-") as name:
        work = Path(name)
        work.chmod(0o755)
        options = _apt(work)
        process.run(["apt-get", *options, "update", "-qq"], timeout=300)
        # Only fetched: Debian's own patches are of no matter here.
        fetch = ["apt-get", *options, "source", "--download-only", "-qq", "openssh"]
        process.run(fetch, folder=work, timeout=300)
        archive = next(work.glob("openssh_*.orig.tar.gz"))
        process.run(["tar", "xzf", archive], folder=work)
        source = next(work.glob("openssh-*p*/"))
        process.run(["patch", "-s", "-p1", "-i", PATCH], folder=source)
        flags = [f"--without-{each}" for each in _LEAVE_OUT]
        process.run(["./configure", "--quiet", *flags], folder=source, timeout=_BUILDING)
        process.run(["make", "-s", "-j2", "ssh", "ssh-keygen"], folder=source, timeout=_BUILDING)
        done.parent.mkdir(parents=True, exist_ok=True)
        laid = Path(tempfile.mkdtemp(dir=done.parent))
        laid.chmod(0o755)
        for program in ("ssh", "ssh-keygen"):
            shutil.copy2(source / program, laid / program)
        # Another run may have been quicker; what it built is the same.
        if done.is_dir():
            shutil.rmtree(laid)
        else:
            laid.rename(done)
    return done


def _apt(work: Path) -> list[str]:
    """Return options of apt that leave the system's own lists alone, with the sources of its own mirrors."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (work / "apt" / part).mkdir(parents=True)
    said = process.run(["apt-get", "indextargets", "--format", _FIELDS, "Identifier: Packages"]).stdout
    found = {tuple(line.split("|")) for line in said.splitlines()}
    lines = [
        f"deb-src {uri} {codename} main\n"
        for uri, codename, origin in sorted(found)
        if origin == "Debian" and not codename.endswith(("-updates", "-backports"))
    ]
    if not lines:
        raise process.ProgramFailed("this machine is not set to a mirror of Debian, whose OpenSSH is built")
    (work / "apt" / "sources.list").write_text("".join(lines), encoding="utf-8")
    values = {
        "Dir::State": work / "apt" / "state",
        "Dir::Cache": work / "apt" / "cache",
        "Dir::Etc::sourcelist": work / "apt" / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
    }
    return [word for name, value in values.items() for word in ("-o", f"{name}={value}")]


def _version() -> str:
    """Return the version of OpenSSH that this machine's apt would install, without asking a mirror."""
    shown = process.run(["apt-cache", "show", "--no-all-versions", "openssh-client"]).stdout
    versions = [line.partition(": ")[2] for line in shown.splitlines() if line.startswith("Version: ")]
    if not versions:
        raise process.ProgramFailed(
            "apt knows of no OpenSSH: this needs Debian's package lists (apt-get update)"
        )
    return versions[0]
