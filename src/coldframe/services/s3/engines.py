"""The engines of Amazon S3: the store of blobs in the server's data directory, who sends events and makes reports."""

from functools import partial

from coldframe.core import ids
from coldframe.core.installation import Installation
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.services.s3.inventory.making import InventoryReports
from coldframe.services.s3.messenger import Messenger
from coldframe.services.s3.naming import named_blobs


def provide(installation: Installation) -> None:
    """Make the one store at once, which alone knows what is pending; after a crash, sweep what it left behind."""
    store = ObjectStore(
        installation.settings.data_dir / "objects",
        installation.seal.key("object-store"),
        lambda: ids.hexadecimal(32),
    )
    if store.left_open:
        store.sweep(partial(named_blobs, installation.store))
    installation.parts.provide(ObjectStore, lambda: store)
    installation.parts.provide(InventoryReports, lambda: InventoryReports(installation))
    installation.parts.provide(Messenger, lambda: Messenger(installation))
