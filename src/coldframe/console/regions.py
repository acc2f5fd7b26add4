"""The regions that a visitor may choose: AWS's own, of the partition of the installation's region."""

import re
from functools import cache

from coldframe.core.arns import partition_of

_REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-\d{1,2}\Z")


def is_region(name: str) -> bool:
    """Tell whether a name has the form of a region."""
    return _REGION.match(name) is not None


@cache
def regions_of(region: str) -> list[str]:
    """Return the regions in the partition of `region`, by name."""
    from botocore.loaders import Loader

    partitions = Loader().load_data("endpoints")["partitions"]
    known: dict[str, object] = next(
        (each["regions"] for each in partitions if each["partition"] == partition_of(region)), {}
    )
    return sorted({*known, region})
