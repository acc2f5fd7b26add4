"""What CloudWatch Logs remembers of events on their way to delivery streams; times are milliseconds since the epoch."""

from coldframe.core.records import Record, record


@record("logs_waiting_recipients", key=("destination", "role"))
class WaitingRecipient(Record):
    """A delivery stream, by its ARN, that subscriptions have something for, and the role that may put it there."""

    destination: str
    role: str


@record("logs_waiting_payloads", key=("id",), index=("recipient",))
class WaitingPayload(Record):
    """Events of one batch that a subscription filter took, as they will be put into a delivery stream.

    `recipient` is `destination role`, ids rise with the time that payloads were `made`, `source` is the ARN of the log
    group. `body` is gzip data with masked texts only, sealed with the server's own key.
    """

    id: str
    recipient: str
    body: bytes
    made: int
    source: str
    filter: str
    events: int
