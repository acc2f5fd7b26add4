"""Last accessed details of users, groups, roles and policies, from the documentation of their operations."""

import json

import pytest
from botocore.exceptions import ClientError

from coldframe.core.service import Service
from coldframe.identity.last_use import LastUse
from coldframe.server.services import SERVICES

NEVER = "00000000-0000-0000-0000-000000000000"


def document(*actions):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def iam(aws):
    """A client in an account with the users ann and bob in a group that may use logs and queues."""
    client = aws("iam")
    client.create_group(GroupName="team")
    client.put_group_policy(GroupName="team", PolicyName="p", PolicyDocument=document("logs:*", "sqs:List*"))
    for name in ("ann", "bob"):
        client.create_user(UserName=name, Path="/staff/")
        client.add_user_to_group(GroupName="team", UserName=name)
    return client


def as_user(server, iam, name, service, region="us-east-1"):
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return server.client(service, region=region, **own)


def report(iam, arn, **more):
    job = iam.generate_service_last_accessed_details(Arn=arn, **more)["JobId"]
    found = iam.get_service_last_accessed_details(JobId=job)
    assert (found["JobStatus"], found["JobType"]) == ("COMPLETED", "SERVICE_LEVEL")
    return job, {each["ServiceNamespace"]: each for each in found["ServicesLastAccessed"]}


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_what_a_user_may_use_is_listed_used_or_not(server, iam):
    arn = f"arn:aws:iam::{server.account}:user/staff/ann"
    _, before = report(iam, arn)
    assert before["logs"] == {
        "ServiceName": "Amazon CloudWatch Logs",
        "ServiceNamespace": "logs",
        "TotalAuthenticatedEntities": 0,
    }
    as_user(server, iam, "ann", "logs", "eu-west-1").describe_log_groups()
    # What is not allowed was tried all the same, and is nothing that could be taken away.
    with pytest.raises(ClientError):
        as_user(server, iam, "ann", "cloudwatch").list_metrics()
    server.installation.parts.get(LastUse).flush()
    _, after = report(iam, arn, Granularity="SERVICE_LEVEL")
    assert set(after) == {"logs", "sqs"}
    assert after["sqs"]["TotalAuthenticatedEntities"] == 0
    used = after["logs"]
    assert (used["LastAuthenticatedEntity"], used["TotalAuthenticatedEntities"]) == (arn, 1)
    assert used["LastAuthenticatedRegion"] == "eu-west-1"
    assert abs(used["LastAuthenticated"].timestamp() - server.clock.seconds()) < 60


def test_the_members_of_a_group_and_the_holders_of_a_policy_are_told_apart(server, iam):
    policy = iam.create_policy(PolicyName="metrics", PolicyDocument=document("cloudwatch:*"))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="team", PolicyArn=policy)
    as_user(server, iam, "bob", "cloudwatch").list_metrics()
    server.installation.parts.get(LastUse).flush()
    for subject in (policy, f"arn:aws:iam::{server.account}:group/team"):
        job, found = report(iam, subject)
        bob = f"arn:aws:iam::{server.account}:user/staff/bob"
        assert found["cloudwatch"]["LastAuthenticatedEntity"] == bob
        ask = {"JobId": job, "ServiceNamespace": "cloudwatch"}
        first = iam.get_service_last_accessed_details_with_entities(**ask, MaxItems=1)
        assert [each["EntityInfo"]["Name"] for each in first["EntityDetailsList"]] == ["ann"]
        assert "LastAuthenticated" not in first["EntityDetailsList"][0]
        second = iam.get_service_last_accessed_details_with_entities(**ask, Marker=first["Marker"])
        (details,) = second["EntityDetailsList"]
        about = {"Arn": bob, "Name": "bob", "Type": "USER", "Path": "/staff/"}
        assert {**details["EntityInfo"], **about} == details["EntityInfo"]
        assert "LastAuthenticated" in details
        none = {"JobId": job, "ServiceNamespace": "kms"}
        assert refused(iam.get_service_last_accessed_details_with_entities, **none) == "InvalidInput"


def test_a_role_s_sessions_count_for_the_role_and_a_new_role_of_its_name_begins_anew(server, aws, iam):
    trust = {"Effect": "Allow", "Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"}
    made = {
        "RoleName": "deploy",
        "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": trust}),
    }

    def make():
        arn = iam.create_role(**made)["Role"]["Arn"]
        iam.put_role_policy(RoleName="deploy", PolicyName="p", PolicyDocument=document("logs:*"))
        return arn

    arn = make()
    iam.put_user_policy(UserName="ann", PolicyName="a", PolicyDocument=document("sts:AssumeRole"))
    session = as_user(server, iam, "ann", "sts").assume_role(RoleArn=arn, RoleSessionName="one")[
        "Credentials"
    ]
    server.client_as("logs", session).describe_log_groups()
    server.installation.parts.get(LastUse).flush()
    assert report(iam, arn)[1]["logs"]["LastAuthenticatedEntity"] == arn
    iam.delete_role_policy(RoleName="deploy", PolicyName="p")
    iam.delete_role(RoleName="deploy")
    assert make() == arn
    assert report(iam, arn)[1]["logs"]["TotalAuthenticatedEntities"] == 0


def test_what_cannot_be_reported_is_refused(server, iam):
    generate = iam.generate_service_last_accessed_details
    account = server.account
    assert refused(generate, Arn=f"arn:aws:iam::{account}:user/nobody") == "NoSuchEntity"
    assert refused(generate, Arn=f"arn:aws:iam::{account}:policy/none") == "NoSuchEntity"
    assert refused(generate, Arn=f"arn:aws:s3:::bucket-of-{account}") == "InvalidInput"
    arn = f"arn:aws:iam::{account}:user/staff/ann"
    assert refused(generate, Arn=arn, Granularity="ACTION_LEVEL") == "NotImplemented"
    assert refused(iam.get_service_last_accessed_details, JobId=NEVER) == "NoSuchEntity"


def test_a_report_is_kept_for_seven_days(server, clock, iam):
    arn = f"arn:aws:iam::{server.account}:user/staff/ann"
    job, _ = report(iam, arn)
    clock.advance(7 * 24 * 3600)
    report(iam, arn)
    iam.get_service_last_accessed_details(JobId=job)
    clock.advance(1)
    report(iam, arn)
    assert refused(iam.get_service_last_accessed_details, JobId=job) == "NoSuchEntity"


def test_every_service_that_can_be_called_has_a_name_in_reports(server, iam):
    iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=document("*"))
    _, found = report(iam, f"arn:aws:iam::{server.account}:user/staff/ann")
    offered = [Service(package) for package in SERVICES]
    assert set(found) == {each.manifest.permissions.prefix or each.name for each in offered}
