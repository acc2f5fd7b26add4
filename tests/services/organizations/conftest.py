"""An organization as its management account's root makes it, its user `ann`, and what the tests ask of both."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def document(*statements):
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refused(call, **parameters):
    """The answer to a call that must fail: code, reason and message."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    answer = error.value.response
    return SimpleNamespace(
        code=answer["Error"]["Code"], message=answer["Error"]["Message"], reason=answer.get("Reason")
    )


@pytest.fixture
def organizations(aws):
    """Organizations, as the root of the management account."""
    return aws("organizations", region="us-east-1")


@pytest.fixture
def organization(organizations):
    """A new organization with all features."""
    return organizations.create_organization()["Organization"]


@pytest.fixture
def root(organizations, organization):
    """The id of its root."""
    return organizations.list_roots()["Roots"][0]["Id"]


@pytest.fixture
def ann(server, aws):
    """Makes clients of the management account's user ann, who may do everything."""
    iam = aws("iam")
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=json.dumps(ALL))
    key = iam.create_access_key(UserName="ann")["AccessKey"]

    def client(service):
        return server.client(
            service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )

    return client


@pytest.fixture
def make_account(organizations, organization):
    """Makes a member account by name and answers its id."""

    def make(name, **more):
        status = organizations.create_account(Email=f"{name}@example.com", AccountName=name, **more)[
            "CreateAccountStatus"
        ]
        assert status["State"] == "SUCCEEDED", status
        return status["AccountId"]

    return make


@pytest.fixture
def inside(server, ann):
    """Makes clients inside a member account, by the role that came with it."""

    def client(account, service, role="OrganizationAccountAccessRole"):
        credentials = ann("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="ann"
        )["Credentials"]
        return server.client_as(service, credentials)

    return client
