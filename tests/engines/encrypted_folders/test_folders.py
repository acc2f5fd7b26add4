"""Folders that the kernel encrypts, on a file system of the tests' own: what lies on the disk, with the key and without."""

import errno
import os
import subprocess

import pytest

from coldframe.engines import encrypted_folders
from coldframe.engines.encrypted_folders import fscrypt
from tests.journeys.power import cut_disk, needs_root

pytestmark = [needs_root, pytest.mark.xdist_group("encrypted_folders")]
MARKER = b"correct horse battery staple " * 8


@pytest.fixture(scope="module")
def disk():
    with cut_disk(size=24 << 20, features="encrypt") as made:
        yield made


@pytest.fixture
def key(disk):
    made = os.urandom(encrypted_folders.KEY_BYTES)
    yield made
    encrypted_folders.remove_key(disk.folder, encrypted_folders.name_of(made))


def test_what_is_in_an_encrypted_folder_is_nowhere_on_the_disk(disk, key):
    folder = disk.folder / "secret"
    encrypted_folders.make_folder(folder, key)
    (folder / "a-telling-name").write_bytes(MARKER)
    clear = disk.folder / "clear"
    clear.mkdir()
    assert disk.holds(MARKER, b"a-telling-name") == []
    # The same in a folder in clear is found: looking would have told.
    (clear / "a-telling-name").write_bytes(MARKER)
    assert disk.holds(MARKER, b"a-telling-name") == [MARKER, b"a-telling-name"]


def test_without_its_key_a_folder_can_neither_be_read_nor_written_and_with_it_again(disk, key):
    folder, name = disk.folder / "closed", encrypted_folders.name_of(key)
    encrypted_folders.make_folder(folder, key)
    (folder / "file").write_bytes(MARKER)
    assert encrypted_folders.unlocked(folder, name)
    assert encrypted_folders.remove_key(folder.parent, name, of=[folder]) is None
    assert encrypted_folders.locked(folder, name)
    assert not encrypted_folders.unlocked(folder, name)
    (scrambled,) = folder.iterdir()
    assert scrambled.name != "file"
    with pytest.raises(OSError, match=os.strerror(errno.ENOKEY)):
        scrambled.read_bytes()
    with pytest.raises(OSError, match=os.strerror(errno.ENOKEY)):
        (folder / "other").write_bytes(b"")
    encrypted_folders.unlock(folder, key)
    assert (folder / "file").read_bytes() == MARKER
    assert encrypted_folders.key_of(folder) == name


def test_a_mount_begins_with_every_folder_closed(disk, key):
    folder = disk.folder / "mounted"
    encrypted_folders.make_folder(folder, key)
    (folder / "file").write_bytes(MARKER)
    disk.back()
    assert encrypted_folders.locked(folder, encrypted_folders.name_of(key))
    encrypted_folders.unlock(folder, key)
    assert (folder / "file").read_bytes() == MARKER


def test_making_and_opening_again_changes_nothing(disk, key):
    folder = disk.folder / "again"
    for _ in range(2):
        encrypted_folders.make_folder(folder, key)
        encrypted_folders.unlock(folder, key)
    (folder / "file").write_bytes(MARKER)
    encrypted_folders.make_folder(folder, key)
    assert (folder / "file").read_bytes() == MARKER
    name = encrypted_folders.name_of(key)
    encrypted_folders.remove_key(folder.parent, name)
    assert encrypted_folders.remove_key(folder.parent, name) is None


def test_who_has_files_open_when_the_key_goes_is_named(disk, key):
    folder, name = disk.folder / "busy", encrypted_folders.name_of(key)
    encrypted_folders.make_folder(folder, key)
    with (folder / "file").open("wb") as file:
        file.write(MARKER)
        file.flush()
        busy = encrypted_folders.remove_key(folder.parent, name, of=[folder])
        assert busy is not None
        assert busy.processes == (os.getpid(),)
        assert not encrypted_folders.locked(folder, name)
        # Nothing new, even so.
        with pytest.raises(OSError, match=os.strerror(errno.ENOKEY)):
            (folder / "another").write_bytes(b"")
    assert encrypted_folders.remove_key(folder.parent, name, of=[folder]) is None
    assert encrypted_folders.locked(folder, name)


def test_a_folder_in_clear_or_under_another_key_is_never_taken_for_one_of_this_key(disk, key):
    clear = disk.folder / "in-clear"
    clear.mkdir()
    with pytest.raises(encrypted_folders.FolderInClear, match="is not encrypted"):
        encrypted_folders.unlock(clear, key)
    (clear / "file").write_bytes(MARKER)
    with pytest.raises(encrypted_folders.FolderInClear, match="files in clear"):
        encrypted_folders.make_folder(clear, key)
    other = os.urandom(encrypted_folders.KEY_BYTES)
    encrypted_folders.make_folder(disk.folder / "other", other)
    with pytest.raises(encrypted_folders.FolderInClear, match="another key"):
        encrypted_folders.make_folder(disk.folder / "other", key)
    encrypted_folders.remove_key(disk.folder, encrypted_folders.name_of(other))


def test_where_there_can_be_none_it_is_said_what_to_do(disk, key):
    assert encrypted_folders.obstacle(disk.folder) is None
    folder = disk.folder / "outer"
    encrypted_folders.make_folder(folder, key)
    assert "itself in a folder that is encrypted" in str(encrypted_folders.obstacle(folder))
    with cut_disk(size=8 << 20) as plain:
        found = encrypted_folders.obstacle(plain.folder)
        assert str(found).startswith(f"the ext4 file system at {plain.folder} is not made for encryption")
        assert "tune2fs -O encrypt /dev/loop" in found.hint
        with pytest.raises(encrypted_folders.Impossible):
            encrypted_folders.make_folder(plain.folder / "a", key)
        # What the hint says is what it takes.
        subprocess.run(found.hint.rpartition(": ")[2].split(), check=True, capture_output=True)
        plain.back()
        assert encrypted_folders.obstacle(plain.folder) is None
    memory = encrypted_folders.obstacle(type(disk.folder)("/dev/shm"))
    assert str(memory) == "the tmpfs file system at /dev/shm cannot encrypt folders"
    assert "mkfs.ext4 -O encrypt" in memory.hint


def test_the_kernel_derives_the_name_that_we_derive(disk, key):
    assert fscrypt.add_key(disk.folder, key).hex() == encrypted_folders.name_of(key)


def test_the_buffer_of_a_key_is_wiped(disk, key, monkeypatch):
    seen = []
    real = fscrypt._ioctl

    def watched(folder, request, asked):
        seen.append(asked)
        return real(folder, request, asked)

    monkeypatch.setattr(fscrypt, "_ioctl", watched)
    fscrypt.add_key(disk.folder, key)
    assert seen[0] == bytes(len(seen[0]))


def test_it_takes_no_root(disk, key):
    """What a server does that is another user's, in a folder of its own."""
    home, name = disk.folder / "of-another", encrypted_folders.name_of(key)
    home.mkdir()
    os.chown(home, 65_534, 65_534)
    child = os.fork()
    if child == 0:
        done = 1
        try:
            os.setgroups([])
            os.setgid(65_534)
            os.setuid(65_534)
            assert encrypted_folders.obstacle(home) is None
            encrypted_folders.make_folder(home / "db", key)
            (home / "db" / "file").write_bytes(b"a")
            assert encrypted_folders.remove_key(home, name) is None
            assert not (home / "db" / "file").exists()
            encrypted_folders.unlock(home / "db", key)
            assert (home / "db" / "file").read_bytes() == b"a"
            assert encrypted_folders.remove_key(home, name) is None
            done = 0
        finally:
            os._exit(done)
    assert os.waitpid(child, 0)[1] == 0
    assert encrypted_folders.locked(home, name)
