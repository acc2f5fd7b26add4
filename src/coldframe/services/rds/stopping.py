"""The processes of all databases ended in order while no server runs: they outlive it, and hold on to their addresses."""

from collections.abc import Callable

from coldframe.core.config import Settings
from coldframe.core.store import Store
from coldframe.engines import encrypted_folders
from coldframe.engines.endpoint import EndpointSpec
from coldframe.services.rds import engine_names, specs
from coldframe.services.rds.engines import door_makers, makers
from coldframe.services.rds.records import Endpoint, Instance
from coldframe.services.rds.whole_copies import Copied, in_order


def stop_all(settings: Settings, tell: Callable[[str, int, int], None]) -> int:
    """End every endpoint and every database of a data directory, and close encrypted storage; return how many databases ran.

    The next server starts them again. Raises StoreTaken while a server runs, and DatabaseError.
    """
    store = Store.open(settings.database_url)
    try:
        with store.read() as transaction:
            records = transaction.records("", "")
            doors = [row for _, _, row in records.everywhere(Endpoint)]
            instances = [row for _, _, row in records.everywhere(Instance)]
        engines, endpoints = makers(settings.cache), door_makers()
        for door in doors:
            folder = settings.data_dir / "databases" / "endpoints" / door.id
            part = engine_names.named(door.engine).part
            endpoints[part]().stop(EndpointSpec(door.id, part, door.address, door.port, folder))
        found = [
            Copied(row.identifier, row.engine, specs.of_instance(settings, row), row.source)
            for row in instances
        ]
        ran = 0
        for number, each in enumerate(in_order(found)):
            engine = engines[engine_names.named(each.engine).part]()
            if engine.reattach(each.spec) is not None:
                tell(f"stopping {each.name}", number, len(found))
                engine.stop(each.spec)
                ran += 1
        for row in instances:
            if row.encryption is not None:
                # The next start gets its key from KMS again.
                encrypted_folders.remove_key(settings.data_dir / "databases", row.encryption.name)
        return ran
    finally:
        store.close()
