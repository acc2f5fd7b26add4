"""The engine of Amazon S3: the store of blobs in the server's data directory."""

from coldframe.core import ids
from coldframe.core.installation import Installation
from coldframe.engines.objectstore.store import ObjectStore


def provide(installation: Installation) -> None:
    """Make the one store at once: which blobs are pending must be known in one place."""
    store = ObjectStore(
        installation.settings.data_dir / "objects",
        installation.seal.key("object-store"),
        lambda: ids.hexadecimal(32),
    )
    installation.parts.provide(ObjectStore, lambda: store)
