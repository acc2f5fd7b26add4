"""What can go wrong in the object store."""


class BlobGone(Exception):
    """There is no blob with this id: it was deleted, or never kept."""


class BlobDamaged(Exception):
    """The bytes of a blob are not the ones that were written: the disk or a hand changed them."""


class StorageFull(Exception):
    """The disk, or the quota, has no room for the blob; nothing of it is left behind."""


class StorageFailed(Exception):
    """The disk takes no writes: it reported an error, or is read-only since it did."""
