"""Telling a queue or a topic of an event, as the service principal s3.amazonaws.com on behalf of a bucket."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from coldframe.core import arns
from coldframe.core.faults import InternalFailure
from coldframe.core.installation import Installation
from coldframe.identity.caller import Caller

_SUBJECT = "Amazon S3 Notification"


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

    def send(self, target: str, message: str, bucket_arn: str, owner: str) -> None:
        """Send a message to the queue or topic of this ARN; raises what the service refuses."""
        arn = arns.parse(target)
        clients = self._installation.clients
        if clients is None:
            raise InternalFailure("this server has no way to call services")
        principal = Notifier(kind="service", arn="s3.amazonaws.com", bucket_arn=bucket_arn, owner=owner)
        client = clients(arn.service, principal=principal, region=arn.region)
        if arn.service == "sns":
            client.publish(TopicArn=target, Message=message, Subject=_SUBJECT)
            return
        url = client.get_queue_url(QueueName=arn.resource, QueueOwnerAWSAccountId=arn.account)["QueueUrl"]
        client.send_message(QueueUrl=url, MessageBody=message)
