"""Telling a queue or a topic of an event, as the service principal s3.amazonaws.com on behalf of a bucket."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from coldframe.core import arns
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import InternalFailure
from coldframe.core.installation import Installation
from coldframe.identity.caller import Caller
from coldframe.identity.credentials import root

_SUBJECT = "Amazon S3 Notification"
# What SQS and SNS answer where there is no such queue or topic.
_GONE = frozenset(
    {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound", "NotFoundException"}
)


@dataclass(frozen=True)
class Notifier(Caller):
    """S3 as a caller: policies of queues and topics may go by the bucket (aws:SourceArn) and its owner (aws:SourceAccount)."""

    bucket_arn: str = ""
    owner: str = ""

    @cached_property
    def context(self) -> Mapping[str, tuple[str, ...]]:
        """The condition keys that follow from the caller."""
        return {**super().context, "aws:sourcearn": (self.bucket_arn,), "aws:sourceaccount": (self.owner,)}


class Messenger:
    """Sends messages by the API of this server's own SQS and SNS."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def exists(self, target: str) -> bool:
        """Tell whether there is a queue or topic of this ARN, as its own account sees it."""
        arn = arns.parse(target)
        client = self._client(arn, root(arn.account))
        try:
            if arn.service == "sns":
                client.get_topic_attributes(TopicArn=target)
            else:
                client.get_queue_attributes(QueueUrl=self._url(arn), AttributeNames=["QueueArn"])
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return False
            raise
        return True

    def send(self, target: str, message: str, bucket_arn: str, owner: str, trace: str = "") -> None:
        """Send a message to the queue or topic of this ARN; raises what the service refuses.

        `trace` is AWS X-Ray's header of the request that the message tells of, which queues hand on.
        """
        arn = arns.parse(target)
        principal = Notifier(kind="service", arn="s3.amazonaws.com", bucket_arn=bucket_arn, owner=owner)
        client = self._client(arn, principal)
        if arn.service == "sns":
            client.publish(TopicArn=target, Message=message, Subject=_SUBJECT)
            return
        traced = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
        more = {"MessageSystemAttributes": traced} if trace else {}
        client.send_message(QueueUrl=self._url(arn), MessageBody=message, **more)

    def _client(self, arn: arns.Arn, principal: Caller) -> Any:
        clients = self._installation.clients
        if clients is None:
            raise InternalFailure("this server has no way to call services")
        return clients(arn.service, principal=principal, region=arn.region)

    def _url(self, arn: arns.Arn) -> str:
        return f"{self._installation.settings.endpoint}/{arn.account}/{arn.resource}"
