"""What a backup has sealed of encrypted folders, laid into encrypted folders where a server is started on it."""

import logging
import shutil
from pathlib import Path

from coldframe.core import durable, process
from coldframe.core.installation import Installation
from coldframe.core.refusals import sentence
from coldframe.core.store import StoreError
from coldframe.engines.database import DatabaseError
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.encryption import KeyInaccessible
from coldframe.services.rds.known_keys import known_keys
from coldframe.services.rds.records import Instance
from coldframe.services.rds.sealed_trees import (
    TreeBroken,
    key_name,
    open_tree,
    place_of,
    private_key,
    sealed_files,
)
from coldframe.services.rds.wrapped_keys import StorageKey

LOG = logging.getLogger("coldframe.rds")
_FRESH = ".unpacking"


def unpack(installation: Installation) -> None:
    """Lay what is sealed into its places; may be done again. What KMS does not give the key of stays sealed. Raises StoreError."""
    databases = installation.parts.get(Databases)
    sealed = sealed_files(databases.root)
    if not sealed:
        return
    if obstacle := databases.encryption.obstacle():
        raise StoreError(
            f"this backup has encrypted databases, which cannot be where it lies: {obstacle}; {obstacle.hint}. Or copy the"
            " backup to a disk that has encryption, and start the server on the copy"
        )
    with installation.store.read() as transaction:
        records = transaction.records("", "")
        keys = known_keys(records)
        instances = {row.resource_id: row for _, _, row in records.everywhere(Instance)}
    for name, file in sealed.items():
        _refuse_without_room(databases.root, file)
        try:
            key = keys.get(key_name(file))
            if key is not None:
                _lay_in(installation, databases, name, file, key)
            if name in instances:
                found = instances[name]
                databases.engine(found.engine).whole_copies.adopt(databases.spec(found))
        except KeyInaccessible as error:
            LOG.warning("%s stays sealed: %s (%s)", file, error, error.hint)
            continue
        except (DatabaseError, TreeBroken, OSError, process.ProgramFailed) as error:
            hint = f" ({error.hint})" if isinstance(error, DatabaseError) and error.hint else ""
            raise StoreError(f"{file} could not be unpacked: {sentence(error)}{hint}") from error
        # One whose key no record has is of what was being deleted.
        file.unlink()
        durable.sync_folder(file.parent)


def _lay_in(installation: Installation, databases: Databases, name: str, file: Path, key: StorageKey) -> None:
    folder = databases.root / name
    fresh = folder.with_name(f"{folder.name}{_FRESH}")
    # What an attempt before has left.
    durable.remove_tree(fresh)
    databases.encryption.make_folder(fresh, key)
    open_tree(file, fresh, private_key(installation.seal), place_of(name))
    durable.remove_tree(folder)
    durable.rename_tree(fresh, folder)


def _refuse_without_room(root: Path, file: Path) -> None:
    size, free = file.stat().st_size, shutil.disk_usage(root).free
    if size > free:
        raise StoreError(
            f"{file} takes {size / 1e9:.2f} GB once more while it is unpacked, and {root} has {free / 1e9:.2f} GB left: make"
            " room, or copy the backup to another disk"
        )
