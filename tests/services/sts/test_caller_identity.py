"""GetCallerIdentity as its documentation describes it."""

import pytest
from botocore.exceptions import ClientError


def test_root_is_its_account(server, aws):
    answer = aws("sts").get_caller_identity()
    assert answer["Account"] == answer["UserId"] == server.account
    assert answer["Arn"] == f"arn:aws:iam::{server.account}:root"


def test_a_wrong_secret_is_refused(server):
    client = server.client("sts", aws_access_key_id=server.access_key_id, aws_secret_access_key="wrong")
    with pytest.raises(ClientError) as refused:
        client.get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
