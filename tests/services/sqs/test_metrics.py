"""The metrics of queues in AWS/SQS, as the guide's list of them says."""

from datetime import timedelta

import pytest

from coldframe.core.offers import MetricSink
from coldframe.services.sqs.jobs import write_metrics
from tests.services.sqs.conftest import receive


@pytest.fixture
def metric(server):
    """The statistics of a metric of a queue over the last hours, or None where it has no data."""
    cloudwatch = server.client("cloudwatch")

    def read(url, name, statistic="Sum"):
        server.installation.parts.get(MetricSink).flush()
        now = server.clock.now()
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName=name,
            Dimensions=[{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
            StartTime=now - timedelta(hours=2),
            EndTime=now + timedelta(minutes=2),
            Period=3600 * 4,
            Statistics=[statistic],
        )["Datapoints"]
        return (found[0][statistic], found[0]["Unit"]) if found else None

    return read


def test_what_is_sent_received_and_deleted_is_counted(sqs, make, metric) -> None:
    url = make()
    assert metric(url, "NumberOfMessagesSent") is None
    assert receive(sqs, url) == []
    sqs.send_message(QueueUrl=url, MessageBody="four")
    entries = [{"Id": str(n), "MessageBody": "seven77"} for n in range(2)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    got = receive(sqs, url, VisibilityTimeout=30)
    for message in got[:2]:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    assert metric(url, "NumberOfMessagesSent") == (3.0, "Count")
    assert metric(url, "SentMessageSize") == (18.0, "Bytes")
    assert metric(url, "SentMessageSize", "Maximum") == (7.0, "Bytes")
    assert metric(url, "NumberOfMessagesReceived") == (3.0, "Count")
    assert metric(url, "NumberOfEmptyReceives") == (1.0, "Count")
    # Documented: a deletion of a message that is gone counts, if its handle is one.
    assert metric(url, "NumberOfMessagesDeleted") == (3.0, "Count")


def test_repetitions_are_counted_apart(sqs, make, metric) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="same", MessageGroupId="g")
    assert metric(url, "NumberOfMessagesSent") == (1.0, "Count")
    assert metric(url, "NumberOfDeduplicatedSentMessages") == (2.0, "Count")


def test_what_a_queue_holds_is_written_once_a_minute(server, sqs, make, metric) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    for number in range(4):
        sqs.send_message(QueueUrl=url, MessageBody=str(number), MessageGroupId=f"g{number % 2}")
    receive(sqs, url, MaxNumberOfMessages=1)
    server.clock.advance(25)
    write_metrics(server.installation)
    visible, _ = metric(url, "ApproximateNumberOfMessagesVisible", "Maximum")
    hidden, unit = metric(url, "ApproximateNumberOfMessagesNotVisible", "Maximum")
    assert (visible + hidden, hidden, unit) == (4, 1, "Count")
    assert metric(url, "ApproximateNumberOfMessagesDelayed", "Maximum") == (0.0, "Count")
    assert metric(url, "ApproximateNumberOfGroupsWithInflightMessages", "Maximum") == (1.0, "Count")
    age, unit = metric(url, "ApproximateAgeOfOldestMessage", "Maximum")
    assert 25 <= age < 60
    assert unit == "Seconds"


def test_a_queue_nobody_has_used_for_six_hours_is_silent_and_one_with_messages_is_not(
    server, sqs, make, metric
) -> None:
    idle, kept = make(), make()
    sqs.send_message(QueueUrl=kept, MessageBody="x")
    write_metrics(server.installation)
    assert metric(idle, "NumberOfMessagesSent") == (0.0, "Count")
    server.clock.advance(9 * 3600)
    write_metrics(server.installation)
    assert metric(idle, "ApproximateNumberOfMessagesVisible") is None
    assert metric(kept, "ApproximateNumberOfMessagesVisible", "Maximum") == (1.0, "Count")
