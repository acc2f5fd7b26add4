"""What can go wrong in the metric store."""


class MetricStoreError(Exception):
    """Base of the store's errors."""


class StorageFull(MetricStoreError):
    """No space is left on the disk: nothing of the batch was stored."""


class StorageFailed(MetricStoreError):
    """The disk refused the write: nothing of the batch was stored."""


class StoreClosed(MetricStoreError):
    """The store was closed."""


class UnknownStatistic(MetricStoreError):
    """A statistic's name that no rule reads."""
