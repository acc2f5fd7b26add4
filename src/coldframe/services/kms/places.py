"""Where a key lies: the parts of its ARN."""

from typing import NamedTuple


class Place(NamedTuple):
    """Where a key lies."""

    partition: str
    account: str
    region: str
    id: str

    @property
    def arn(self) -> str:
        """The key's ARN."""
        return f"arn:{self.partition}:kms:{self.region}:{self.account}:key/{self.id}"


def place_of(arn: str) -> Place | None:
    """Return the place that a key's ARN says; None for the ARN of anything else."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "kms" or not parts[5].startswith("key/"):
        return None
    return Place(parts[1], parts[4], parts[3], parts[5].removeprefix("key/"))
