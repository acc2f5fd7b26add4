"""Event notifications: where what happens to objects is told to others, once something here can be told."""

from coldframe.core.call import Call
from coldframe.services.s3.records import Bucket, Version


def emit(call: Call, bucket: Bucket, event: str, version: Version) -> None:
    """Tell the bucket's subscribers of an event such as `ObjectCreated:Put`."""
