"""Wildcards in actions and resources, after the IAM User Guide's pages on the Action and Resource elements."""

import pytest

ACTIONS = [
    # sentence, Action, requested action, whether it matches
    ("An action by its name", "logs:PutLogEvents", "logs:PutLogEvents", True),
    ("Actions have no case", "LOGS:putlogevents", "logs:PutLogEvents", True),
    ("A star ends an action", "logs:Put*", "logs:PutLogEvents", True),
    ("A star matches nothing as well", "logs:PutLogEvents*", "logs:PutLogEvents", True),
    ("A star in the middle", "iam:*AccessKey*", "iam:UpdateAccessKey", True),
    ("Several stars in order", "iam:*Access*Key*", "iam:ListAccessKeys", True),
    ("Several stars out of order", "iam:*Key*Access*", "iam:ListAccessKeys", False),
    ("A question mark", "logs:GetLogEvent?", "logs:GetLogEvents", True),
    ("A question mark is not nothing", "logs:GetLogEvents?", "logs:GetLogEvents", False),
    ("A question mark between stars", "logs:*Lo?Ev*", "logs:GetLogEvents", True),
    ("A wildcard has no case either", "logs:pUT*", "logs:PutLogEvents", True),
    ("All of a service", "logs:*", "logs:PutLogEvents", True),
    ("All of another service", "s3:*", "logs:PutLogEvents", False),
    ("A service whose name only begins alike", "log:*", "logs:PutLogEvents", False),
    ("All actions", "*", "logs:PutLogEvents", True),
    ("All actions of all services", "*:*", "logs:PutLogEvents", True),
    ("One of a list", ["s3:GetObject", "logs:PutLogEvents"], "logs:PutLogEvents", True),
    ("None of a list", ["s3:GetObject", "logs:Get*"], "logs:PutLogEvents", False),
    ("A dot is a dot", "execute-api:I.voke", "execute-api:Invoke", False),
]

BUCKET = "arn:aws:s3:::bucket"
QUEUE = "arn:aws:sqs:us-east-2:111122223333:queue1"
GROUP = "arn:aws:logs:us-east-2:111122223333:log-group:/app/web:log-stream:a"

RESOURCES = [
    # sentence, Resource, requested resource, whether it matches
    ("A resource by its ARN", QUEUE, QUEUE, True),
    ("Resources mind their case", QUEUE.upper().replace("ARN:AWS", "arn:aws"), QUEUE, False),
    ("All resources", "*", QUEUE, True),
    ("An action without resources needs the star", "arn:aws:s3:::*", "*", False),
    ("The star covers actions without resources", "*", "*", True),
    ("A star at the end spans slashes", f"{BUCKET}/*", f"{BUCKET}/a/b/c", True),
    ("A star at the end matches nothing as well", f"{BUCKET}/*", f"{BUCKET}/", True),
    ("The bucket is not one of its objects", f"{BUCKET}/*", BUCKET, False),
    ("A bucket of a longer name", f"{BUCKET}", f"{BUCKET}2", False),
    ("A star amid the path", f"{BUCKET}/*/test/*", f"{BUCKET}/1/2/test/3/object.jpg", True),
    ("A star amid the path, wrong part", f"{BUCKET}/*/test/*", f"{BUCKET}/1/2/3.jpg", False),
    ("A question mark in the path", f"{BUCKET}/???/x", f"{BUCKET}/abc/x", True),
    ("A question mark counts", f"{BUCKET}/???/x", f"{BUCKET}/ab/x", False),
    ("Any region", "arn:aws:sqs:*:111122223333:queue1", QUEUE, True),
    ("Any region that begins so", "arn:aws:sqs:us-*:111122223333:queue1", QUEUE, True),
    ("Any region that begins otherwise", "arn:aws:sqs:eu-*:111122223333:queue1", QUEUE, False),
    ("Any account", "arn:aws:sqs:us-east-2:*:queue1", QUEUE, True),
    ("Part of an account", "arn:aws:sqs:us-east-2:1111????3333:queue1", QUEUE, True),
    ("Any partition", "arn:*:sqs:us-east-2:111122223333:queue1", QUEUE, True),
    ("A star in a segment does not leave it", "arn:aws:logs:*:log-group:/app/web:log-stream:a", GROUP, False),
    (
        "A star in the account does not reach into the resource",
        "arn:aws:logs:us-east-2:*web:log-stream:a",
        GROUP,
        False,
    ),
    ("A star at the end of an incomplete ARN covers the rest", "arn:aws:sqs:*", QUEUE, True),
    ("An incomplete ARN of another service", "arn:aws:sns:*", QUEUE, False),
    ("In the resource part a star spans colons", "arn:aws:logs:*:*:log-group:/app/*", GROUP, True),
    (
        "A star before a colon in the resource part",
        "arn:aws:logs:us-east-2:111122223333:log-group:*:log-stream:a",
        GROUP,
        True,
    ),
    ("Another stream", "arn:aws:logs:us-east-2:111122223333:log-group:*:log-stream:b", GROUP, False),
    ("What stands before and after a star may not overlap", f"{BUCKET}/ab*ba", f"{BUCKET}/aba", False),
    ("One of a list", [BUCKET, QUEUE], QUEUE, True),
    ("A star in a list", [BUCKET, "*"], QUEUE, True),
    ("A dot is a dot", "arn:aws:s3:::buc.et", BUCKET, False),
    (
        "A pattern of many stars that almost matches ends soon",
        f"{BUCKET}/" + "a*" * 200 + "b",
        f"{BUCKET}/" + "a" * 900,
        False,
    ),
]


@pytest.mark.parametrize(
    ("sentence", "pattern", "action", "expected"), ACTIONS, ids=[case[0] for case in ACTIONS]
)
def test_action_pattern(sentence, pattern, action, expected, decide):
    assert decide({"identity": [("Allow", pattern, "*")]}, "alice", action).allowed is expected, sentence


@pytest.mark.parametrize(
    ("sentence", "pattern", "arn", "expected"), RESOURCES, ids=[case[0] for case in RESOURCES]
)
def test_resource_pattern(sentence, pattern, arn, expected, decide):
    assert decide({"identity": [("Allow", "x:Do", pattern)]}, "alice", "x:Do", arn).allowed is expected, (
        sentence
    )
