"""Tags of topics."""

from typing import Any

from coldframe.core.arns import Arn
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.sns.arns import records_of, topic_in
from coldframe.services.sns.records import Topic
from coldframe.services.sns.tagging import checked_tags


def tag_resource(call: Call, request: dict[str, Any]) -> None:
    """Add tags to a topic; a key that is there gets the new value."""
    arn, topic = _topic(call, request["ResourceArn"])
    records_of(call, arn).change(topic, tags=checked_tags(topic.tags, request["Tags"]))


def untag_resource(call: Call, request: dict[str, Any]) -> None:
    """Remove tags from a topic; a key that is not there is no error."""
    arn, topic = _topic(call, request["ResourceArn"])
    gone = set(request["TagKeys"])
    left = {key: value for key, value in topic.tags.items() if key not in gone}
    records_of(call, arn).change(topic, tags=left)


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of a topic."""
    _, topic = _topic(call, request["ResourceArn"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}


def _topic(call: Call, text: str) -> tuple[Arn, Topic]:
    try:
        return topic_in(call, text)
    except ServiceFault as error:
        if error.code != "NotFoundException":
            raise
        raise ServiceFault("ResourceNotFoundException", "Resource does not exist") from error
