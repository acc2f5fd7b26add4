"""GetAccessKeyLastUsed and RoleLastUsed: what was used last, and where."""

import json

from coldframe.identity.last_use import LastUse


def test_a_key_s_last_use_is_told(server, aws):
    iam = aws("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    before = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert before["ServiceName"] == "N/A"
    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    server.client("sts", region="eu-west-1", **own).get_caller_identity()
    server.installation.parts.get(LastUse).flush()
    answer = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert answer["UserName"] == "ann"
    assert answer["AccessKeyLastUsed"]["ServiceName"] == "sts"
    assert answer["AccessKeyLastUsed"]["Region"] == "eu-west-1"
    assert abs(answer["AccessKeyLastUsed"]["LastUsedDate"].timestamp() - server.clock.seconds()) < 60


def test_a_role_s_last_use_is_told(server, aws):
    iam = aws("iam")
    statement = {"Effect": "Allow", "Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="deploy",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Role"]
    iam.create_user(UserName="ann")
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    session = server.client("sts", **own).assume_role(RoleArn=role["Arn"], RoleSessionName="x1")[
        "Credentials"
    ]
    server.client_as("sts", session).get_caller_identity()
    server.installation.parts.get(LastUse).flush()
    assert iam.get_role(RoleName="deploy")["Role"]["RoleLastUsed"]["Region"] == "us-east-1"
