"""What the tests of IAM ask with: policy documents, trust policies and calls that are to be refused."""

import json

import pytest
from botocore.exceptions import ClientError


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(**principal):
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def padded(size, *, action="logs:GetLogEvents"):
    """A valid policy that counts `size` characters without its white space."""
    empty = len(policy(allow(action, "arn:aws:logs:*:*:")).replace(" ", ""))
    return policy(allow(action, "arn:aws:logs:*:*:" + "x" * (size - empty)))


def refused(call, **parameters):
    """The code and the message of a call that fails."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    answer = error.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"]
