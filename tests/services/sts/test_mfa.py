"""MFA with AssumeRole and GetSessionToken: the code is checked, counts in conditions, and is taken once."""

import base64
import json

import pytest
from botocore.exceptions import ClientError

from coldframe.identity.one_time_codes import STEP, code


@pytest.fixture
def ann(server, aws):
    """A user with an MFA device; `now()` is the device's code; the role `strict` trusts only sessions with MFA."""
    iam = aws("iam")
    iam.create_user(UserName="ann")
    statement = {"Effect": "Allow", "Action": ["sts:AssumeRole", "iam:ListUsers"], "Resource": "*"}
    iam.put_user_policy(
        UserName="ann",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    seed = base64.b32decode(device["Base32StringSeed"])
    step = int(server.clock.seconds()) // STEP
    iam.enable_mfa_device(
        UserName="ann",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=code(seed, step),
        AuthenticationCode2=code(seed, step + 1),
    )
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": server.account},
        "Action": "sts:AssumeRole",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
    role = iam.create_role(
        RoleName="strict",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    sts = server.client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )

    class Ann:
        client, serial, strict = sts, device["SerialNumber"], role

        @staticmethod
        def now(offset=0):
            return code(seed, int(server.clock.seconds()) // STEP + offset)

    return Ann


def refused(call, **parameters):
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]


def test_a_role_that_demands_mfa_opens_with_a_code_only(ann):
    assert refused(ann.client.assume_role, RoleArn=ann.strict, RoleSessionName="x1")["Code"] == "AccessDenied"
    ann.client.assume_role(
        RoleArn=ann.strict, RoleSessionName="x1", SerialNumber=ann.serial, TokenCode=ann.now()
    )


def test_a_code_is_taken_once(ann):
    again = {
        "RoleArn": ann.strict,
        "RoleSessionName": "x1",
        "SerialNumber": ann.serial,
        "TokenCode": ann.now(),
    }
    ann.client.assume_role(**again)
    error = refused(ann.client.assume_role, **again)
    assert error["Code"] == "AccessDenied"
    assert "invalid MFA one time pass code" in error["Message"]


def test_a_code_from_long_ago_is_refused(ann):
    error = refused(
        ann.client.assume_role,
        RoleArn=ann.strict,
        RoleSessionName="x1",
        SerialNumber=ann.serial,
        TokenCode=ann.now(-5),
    )
    assert error["Code"] == "AccessDenied"


def test_serial_and_code_come_together(ann):
    error = refused(ann.client.get_session_token, SerialNumber=ann.serial)
    assert "must provide both" in error["Message"]


def test_a_session_with_mfa_may_what_demands_it(server, ann):
    session = ann.client.get_session_token(SerialNumber=ann.serial, TokenCode=ann.now())["Credentials"]
    plain = ann.client.get_session_token()["Credentials"]
    assert server.client_as("sts", session).get_caller_identity()["Arn"].endswith("user/ann")
    server.client_as("sts", session).assume_role(RoleArn=ann.strict, RoleSessionName="x1")
    error = refused(server.client_as("sts", plain).assume_role, RoleArn=ann.strict, RoleSessionName="x1")
    assert error["Code"] == "AccessDenied"


def test_a_session_token_with_a_wrong_code_is_refused(ann):
    error = refused(ann.client.get_session_token, SerialNumber=ann.serial, TokenCode=ann.now(-7))
    assert error["Code"] == "AccessDenied"
