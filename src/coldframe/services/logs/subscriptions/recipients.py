"""Delivery streams as destinations of subscriptions: which role puts into them, and whether a test record arrives."""

from typing import Any, NamedTuple

from coldframe.core.client_errors import ClientError, status_of
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.services.logs.bucket_access import taken_on
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.subscriptions.payloads import control


class Recipient(NamedTuple):
    """A delivery stream by its ARN, with its account and region, and the ARN of the role that may put records."""

    account: str
    region: str
    destination: str
    role: str

    @property
    def stream(self) -> str:
        """The name of the delivery stream."""
        return self.destination.rpartition("/")[2]

    @property
    def name(self) -> str:
        """What payloads for this recipient are found by."""
        return f"{self.destination} {self.role}"


def recipient_of(destination: str, role: str) -> Recipient:
    """Return the recipient that the ARN of a delivery stream and the ARN of a role mean."""
    _, _, _, region, account, _ = destination.split(":", 5)
    return Recipient(account, region, destination, role)


def recipient_client(installation: Installation, recipient: Recipient, source: str) -> Any:
    """Return a Firehose client that acts as the role, taken on for the log group with the ARN `source`.

    Raises the client's error of AssumeRole where the role is not there or does not trust CloudWatch Logs.
    """
    assert installation.clients is not None, "the server has clients before services act"
    role = taken_on(installation, recipient.role, f"{source}:*", source.split(":")[3])
    return installation.clients("firehose", principal=role, region=recipient.region)


def check_recipient(installation: Installation, recipient: Recipient, source: str, now: int) -> None:
    """Put the test record into a delivery stream; raises InvalidParameterException where that does not work.

    Firehose and STS write in transactions of their own: none may be open.
    """
    try:
        client = recipient_client(installation, recipient, source)
        client.put_record(DeliveryStreamName=recipient.stream, Record={"Data": control(now)})
    except ClientError as error:
        said = error.response["Error"]
        if status_of(error) >= 500:
            raise ServiceFault("ServiceUnavailableException", said["Message"], status=503) from error
        raise invalid(
            "Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in"
            f" ACTIVE state. {recipient.destination}, as {recipient.role}: {said['Message']}"
        ) from error
