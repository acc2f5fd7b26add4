"""The machine's parts that need no machine: which kernel is chosen, the first files, and what is said when it cannot run.

The machine itself runs in every `./coldframe test`: it carries tests/kernel.
"""

import gzip
import lzma
import shutil
import subprocess
from pathlib import Path

import pytest

from coldframe.core import process
from coldframe.engines import machine
from coldframe.engines.machine import kernels
from coldframe.engines.machine.initramfs import initramfs
from coldframe.engines.machine.machine import Errand


def _packages(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    monkeypatch.setattr(kernels, "_known", lambda _series: names)
    monkeypatch.setattr(kernels.os, "geteuid", lambda: 1000)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    for package in ("linux-image-6.1.0-9-cloud-amd64", "linux-image-6.1.0-57-cloud-amd64"):
        folder = tmp_path / "kernels" / package
        folder.mkdir(parents=True)
        (folder / f"vmlinuz-{package.removeprefix('linux-image-')}").write_bytes(b"")
        (folder / "01-virtio.ko").write_bytes(b"")
        (folder / "00-virtio_ring.ko").write_bytes(b"")
    return tmp_path


def test_the_newest_kernel_of_the_cache_is_taken_where_there_is_no_apt(cache: Path, monkeypatch) -> None:
    _packages(monkeypatch, [])
    kernel = machine.fetch("6.1", cache)
    assert kernel.release == "6.1.0-57-cloud-amd64"
    assert [path.name for path in kernel.modules] == ["00-virtio_ring.ko", "01-virtio.ko"]


def test_a_package_that_is_in_the_cache_is_not_fetched_again(cache: Path, monkeypatch) -> None:
    _packages(
        monkeypatch,
        [
            "linux-image-6.1.0-9-cloud-amd64",
            "linux-image-6.1.0-57-cloud-amd64-dbg",
            "linux-image-6.1.0-10-amd64",
        ],
    )
    assert machine.fetch("6.1", cache).release == "6.1.0-9-cloud-amd64"


def test_without_cache_and_apt_it_says_what_it_wanted(tmp_path: Path, monkeypatch) -> None:
    _packages(monkeypatch, [])
    with pytest.raises(machine.KernelMissing, match="Debian 12 on x86-64"):
        machine.fetch("6.12", tmp_path)


def test_the_first_files_are_an_archive_that_cpio_reads(tmp_path: Path) -> None:
    program = b"\x7fELF static" + bytes(100)
    (tmp_path / "busybox").write_bytes(program)
    (tmp_path / "00-a.ko").write_bytes(b"module a")
    (tmp_path / "01-b.ko.xz").write_bytes(lzma.compress(b"module b"))
    archive = gzip.decompress(
        initramfs(tmp_path / "busybox", [tmp_path / "00-a.ko", tmp_path / "01-b.ko.xz"])
    )
    busybox = process.find("busybox")
    assert busybox is not None
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run([busybox, "cpio", "-i"], input=archive, cwd=out, check=True, capture_output=True)
    assert (out / "bin" / "busybox").read_bytes() == program
    assert (out / "modules" / "00-a.ko").read_bytes() == b"module a"
    assert (out / "modules" / "01-b.ko").read_bytes() == b"module b"
    assert (out / "init").stat().st_mode & 0o111
    assert (out / "init").read_text(encoding="utf-8").startswith("#!/bin/busybox sh\n")


def test_a_busybox_with_libraries_is_refused(tmp_path: Path) -> None:
    (tmp_path / "busybox").write_bytes(b"\x7fELF" + bytes(100) + b"/lib64/ld-linux-x86-64.so.2")
    with pytest.raises(machine.MachineFailed, match="busybox-static"):
        initramfs(tmp_path / "busybox", [])


def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "find", lambda *_words: None)
    kernel = machine.DebianKernel("6.1", tmp_path / "vmlinuz", [])
    with pytest.raises(
        machine.MachineFailed,
        match=r"qemu-system-x86_64, virtiofsd, busybox.*coldframe engines install machine",
    ):
        machine.run(kernel, Errand(["true"], tmp_path))


def test_a_machine_that_does_not_come_up_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a skip: here the program that should boot ends at once, twice."""
    fake = tmp_path / "bin"
    fake.mkdir()
    for name in ("qemu-system-x86_64", "virtiofsd", "busybox"):
        (fake / name).write_text("#!/bin/sh\necho what stands here is seen\n", encoding="ascii")
        (fake / name).chmod(0o755)
    monkeypatch.setattr(process, "find", lambda name, *_folders: fake / name)
    kernel = machine.DebianKernel("6.1.0-test", tmp_path / "vmlinuz", [])
    with pytest.raises(
        machine.MachineFailed, match=r"6\.1\.0-test did not come up(.|\n)*what stands here is seen"
    ):
        machine.run(kernel, Errand(["true"], tmp_path))
    assert shutil.which("timeout")
