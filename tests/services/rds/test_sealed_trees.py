"""A folder as one sealed file: it comes back as it was, and nothing of it can be read, changed, moved or cut off."""

import os

import pytest

from coldframe.core.seal import Seal
from coldframe.engines.objectstore.sealing import SEALED_PIECE
from coldframe.services.rds import sealed_trees
from coldframe.services.rds.sealed_trees import TreeBroken, check_tree, open_tree, private_key, seal_tree

ROW, NAME = b"a row that nobody is to find", "0f" * 16


@pytest.fixture
def seal():
    return Seal(os.urandom(32))


@pytest.fixture
def sealed(tmp_path, seal):
    """A sealed folder of three pieces, and what is in it."""
    folder = tmp_path / "folder"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "ibdata1").write_bytes(ROW * 100_000)
    (folder / "data" / "empty").touch(mode=0o640)
    (folder / "data" / "link").symlink_to("ibdata1")
    sealed_trees.publish(tmp_path, seal)
    seal_tree(folder, tmp_path / "sealed", sealed_trees.public_key(tmp_path), "databases/db-1", under=NAME)
    return folder, tmp_path / "sealed"


def test_it_comes_back_as_it_was(tmp_path, seal, sealed):
    folder, file = sealed
    assert ROW not in file.read_bytes()
    assert sealed_trees.key_name(file) == NAME
    (tmp_path / "again").mkdir()
    check_tree(file, private_key(seal), "databases/db-1")
    open_tree(file, tmp_path / "again", private_key(seal), "databases/db-1")
    again = tmp_path / "again" / "data"
    assert (again / "ibdata1").read_bytes() == (folder / "data" / "ibdata1").read_bytes()
    assert (again / "empty").stat().st_mode == (folder / "data" / "empty").stat().st_mode
    assert str((again / "link").readlink()) == "ibdata1"


def cut_off(content, at):
    return content[:at]


def swapped(content, at):
    head = at - SEALED_PIECE
    return content[:head] + content[at : at + SEALED_PIECE] + content[head:at] + content[at + SEALED_PIECE :]


def flipped(content, at):
    return content[: at + 5] + bytes([content[at + 5] ^ 1]) + content[at + 6 :]


@pytest.mark.parametrize("change", [cut_off, swapped, flipped, lambda content, _: content + b"more"])
def test_what_was_changed_does_not_open(seal, sealed, change):
    _, file = sealed
    content = file.read_bytes()
    # Where the second piece begins.
    at = len(b"coldframe sealed tree 1\n") + 32 + 16 + SEALED_PIECE
    file.write_bytes(change(content, at))
    with pytest.raises(TreeBroken, match="sealed"):
        check_tree(file, private_key(seal), "databases/db-1")


def test_another_key_or_another_place_does_not_open_it(seal, sealed):
    _, file = sealed
    for key, place in (
        (private_key(Seal(os.urandom(32))), "databases/db-1"),
        (private_key(seal), "databases/db-2"),
    ):
        with pytest.raises(TreeBroken, match="master key"):
            check_tree(file, key, place)


def test_without_the_public_key_it_is_said_what_to_do(tmp_path):
    with pytest.raises(TreeBroken, match="start a server"):
        sealed_trees.public_key(tmp_path)
