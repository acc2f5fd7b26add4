"""The kernels: Debian's packages for virtual machines, fetched by apt, which checks who signed them, and kept in the cache."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from coldframe.core import process
from coldframe.engines.machine.errors import KernelMissing

# Debian's two ways to name a kernel package: a counter for the first kernel of a release, the version for later ones.
SERIES = {
    "6.1": re.compile(r"linux-image-6\.1\.0-(?P<age>\d+)-cloud-amd64"),
    "6.12": re.compile(r"linux-image-6\.12\.(?P<age>\d+)\+deb12-cloud-amd64"),
}
# What a kernel needs to see this machine's files and to hold keys, in the order in which it must be loaded. What is
# built into a kernel is no file there, and left out.
MODULES = [
    "virtio_ring",
    "virtio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "fuse",
    "virtiofs",
    "overlay",
    "virtio-rng",
    "sha512_generic",
    "sha512-ssse3",
    "sha3_generic",
    "pkcs8_key_parser",
    "af_alg",
    "algif_hash",
    "algif_aead",
    "gf128mul",
    "ghash-generic",
    "gcm",
]


class DebianKernel(NamedTuple):
    """A kernel in the cache: its release (uname -r), its image, and its modules in the order to load them."""

    release: str
    image: Path
    modules: list[Path]


def fetch(series: str, cache: Path) -> DebianKernel:
    """Return the newest kernel of a series, from the cache or by apt; raises KernelMissing.

    The cache is asked when apt knows of nothing newer, or of nothing at all.
    """
    folder = cache / "kernels"
    package = _newest(series, _known(series))
    if package is None and os.geteuid() == 0:
        process.run(["apt-get", "update", "-qq"], check=False, timeout=300)
        package = _newest(series, _known(series))
    here = _newest(series, [path.name for path in folder.glob("linux-image-*")])
    if package is None and here is None:
        raise KernelMissing(
            f"there is no Debian kernel {series} in {folder}, and apt knows of no package "
            f"{SERIES[series].pattern}: this needs Debian 12 on x86-64 and its package lists (apt-get update)"
        )
    if package is not None and not (folder / package).is_dir():
        _download(package, folder)
    return _read(folder / (package or here or ""))


def _known(series: str) -> list[str]:
    if process.find("apt-cache") is None:
        return []
    prefix = f"linux-image-{series}." if series != "6.1" else "linux-image-6.1.0-"
    return process.run(["apt-cache", "pkgnames", prefix], check=False).stdout.split()


def _newest(series: str, names: list[str]) -> str | None:
    found = [match for match in map(SERIES[series].fullmatch, names) if match]
    return max(found, key=lambda match: int(match["age"]))[0] if found else None


def _download(package: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as name:
        place = Path(name)
        place.chmod(0o755)
        command = ["apt-get", "download", "-q", package]
        try:
            process.run(command, folder=place, timeout=600)
        except process.ProgramFailed as error:
            # Old lists name files that the archive has replaced.
            process.run(["apt-get", "update", "-qq"], check=False, timeout=300)
            try:
                process.run(command, folder=place, timeout=600)
            except process.ProgramFailed:
                raise KernelMissing(f"the package {package} could not be fetched: {error}") from error
        archive = next(place.glob("*.deb"))
        process.run(["dpkg-deb", "--extract", archive, place / "all"], timeout=300)
        release = next((place / "all" / "lib" / "modules").iterdir()).name
        kept = place / "kept"
        kept.mkdir()
        shutil.copy(place / "all" / "boot" / f"vmlinuz-{release}", kept / f"vmlinuz-{release}")
        modules = {path.name.split(".")[0]: path for path in (place / "all" / "lib").rglob("*.ko*")}
        for number, module in enumerate(MODULES):
            if module in modules:
                shutil.copy(modules[module], kept / f"{number:02}-{modules[module].name}")
        # Another run may have been quicker; what it kept is the same.
        if not (folder / package).is_dir():
            kept.rename(folder / package)


def _read(folder: Path) -> DebianKernel:
    image = next(folder.glob("vmlinuz-*"))
    return DebianKernel(image.name.removeprefix("vmlinuz-"), image, sorted(folder.glob("*.ko*")))
