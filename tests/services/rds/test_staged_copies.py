"""Where copies of encrypted folders lie until they are sealed: one folder a backup, which nobody else clears while it runs."""

import os

import pytest

from coldframe.core.backup import BackupError
from coldframe.core.seal import Seal
from coldframe.engines import encrypted_folders
from coldframe.services.rds import sealed_trees
from coldframe.services.rds.staged_copies import HOME, in_use, staged_copies
from tests.journeys.power import cut_disk, needs_root

MARKER = b"a row that is nowhere in clear" * 100


def test_what_a_killed_backup_left_is_cleared_and_what_another_has_is_not(tmp_path):
    left = tmp_path / HOME / "left"
    (left / "copies").mkdir(parents=True)
    with staged_copies(tmp_path, served=False):
        assert not left.exists()
        (first,) = (tmp_path / HOME).iterdir()
        assert in_use(first)
        with staged_copies(tmp_path, served=False):
            assert len(list((tmp_path / HOME).iterdir())) == 2
        assert list((tmp_path / HOME).iterdir()) == [first]
    assert not in_use(first)
    assert not list((tmp_path / HOME).iterdir())


@pytest.fixture(scope="module")
def disk():
    with cut_disk(size=32 << 20, features="encrypt") as made:
        yield made


@needs_root
@pytest.mark.xdist_group("encrypted_folders")
def test_a_copy_is_encrypted_as_its_original_and_leaves_it_sealed(disk, tmp_path):
    root, seal, key = disk.folder / "databases", Seal(os.urandom(32)), os.urandom(encrypted_folders.KEY_BYTES)
    name = encrypted_folders.name_of(key)
    encrypted_folders.make_folder(root / "snapshots" / "s", key)
    (root / "snapshots" / "s" / "data").write_bytes(MARKER)
    sealed_trees.publish(root, seal)
    with staged_copies(root, served=False) as staged:
        staged.link("snapshots/s")
        place = staged.at("snapshots/s")
        assert encrypted_folders.key_of(place) == name
        # A link takes no room.
        assert (place / "data").stat().st_nlink == 2
        staged.seal("snapshots/s", tmp_path / "databases")
        assert not place.exists()
    file = tmp_path / "databases" / "snapshots" / "s.sealed"
    assert MARKER[:30] not in file.read_bytes()
    assert sealed_trees.key_name(file) == name
    (tmp_path / "again").mkdir()
    opener = sealed_trees.private_key(seal)
    sealed_trees.open_tree(file, tmp_path / "again", opener, "databases/snapshots/s")
    assert (tmp_path / "again" / "data").read_bytes() == MARKER
    assert disk.holds(MARKER[:30]) == []
    encrypted_folders.remove_key(root, name)


@needs_root
@pytest.mark.xdist_group("encrypted_folders")
def test_what_is_closed_is_refused_and_not_copied_scrambled(disk):
    root, key = disk.folder / "databases", os.urandom(encrypted_folders.KEY_BYTES)
    encrypted_folders.make_folder(root / "db-1", key)
    encrypted_folders.remove_key(root, encrypted_folders.name_of(key))
    with (
        staged_copies(root, served=False) as staged,
        pytest.raises(BackupError, match="start the server"),
    ):
        staged.begin("db-1")
