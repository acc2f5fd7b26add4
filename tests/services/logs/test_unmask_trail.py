"""Whoever sees originals leaves a trail in the server's log; whoever sees masked text leaves none, and no text is in it."""

import json
import logging

import pytest

SECRET = "jane@example.com"


@pytest.fixture
def masked(aws, clock):
    """A group that masks e-mail addresses, with one event."""
    logs = aws("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    identifiers = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
    statements = [
        {"DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
        {"DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
    ]
    policy = {"Name": "p", "Version": "2021-06-01", "Statement": statements}
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=json.dumps(policy))
    event = {"timestamp": clock.milliseconds(), "message": f"order by {SECRET}"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    return logs


def test_the_trail(masked, server, caplog):
    caplog.set_level(logging.INFO, logger="coldframe.audit")
    masked.filter_log_events(logGroupName="g")
    assert caplog.messages == []
    masked.filter_log_events(logGroupName="g", unmask=True)
    (line,) = caplog.messages
    assert line.startswith(f"arn:aws:iam::{server.account}:root unmasked 1 events of arn:aws:logs:us-east-1:")
    assert "log-group:g (FilterLogEvents, request " in line
    assert SECRET not in line
