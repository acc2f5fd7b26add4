"""AssumeRole and GetSessionToken as their documentation describes them."""

import json

import pytest
from botocore.exceptions import ClientError

from coldframe.identity.accounts import create_access_key, create_account
from coldframe.identity.records import Role, User


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal, **more):
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            **more,
        }
    )


@pytest.fixture
def people(server):
    """A user who may assume anything, and roles that trust it in various ways; makes clients by user name."""
    keys = {}
    with server.installation.store.write() as transaction:
        records = transaction.records(server.account, "")
        assume = policy({"Effect": "Allow", "Action": "sts:*", "Resource": "*"})
        for name, inline in (("ann", {"assume": assume}), ("bob", {})):
            records.add(User(name=name, id=f"AIDA{name.upper():X<17}", path="/", created=0, inline=inline))
            keys[name] = create_access_key(
                records, server.installation.seal, account=server.account, user=name, now=0
            )
        for name, document in (
            ("open", trust(server.account)),
            ("ann-only", trust(f"arn:aws:iam::{server.account}:user/ann")),
            (
                "external",
                trust(server.account, Condition={"StringEquals": {"sts:ExternalId": "secret-handshake"}}),
            ),
        ):
            inline = {"all": policy({"Effect": "Allow", "Action": "*", "Resource": "*"})}
            records.add(
                Role(
                    name=name,
                    id=f"AROA{name.upper():X<17}",
                    path="/",
                    created=0,
                    trust=document,
                    inline=inline,
                )
            )

    def client(name, service="sts"):
        key, secret = keys[name]
        return server.client(service, aws_access_key_id=key.id, aws_secret_access_key=secret)

    return client


def arn(server, role):
    return f"arn:aws:iam::{server.account}:role/{role}"


def refused(call, **parameters):
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]


def test_the_session_is_somebody_else(server, people):
    answer = people("ann").assume_role(RoleArn=arn(server, "open"), RoleSessionName="drill")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{server.account}:assumed-role/open/drill"
    who = server.client_as("sts", answer["Credentials"]).get_caller_identity()
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


def test_trust_in_the_account_needs_a_permission_of_the_user(server, people):
    error = refused(people("bob").assume_role, RoleArn=arn(server, "open"), RoleSessionName="drill")
    assert error["Code"] == "AccessDenied"
    assert (
        f"User: arn:aws:iam::{server.account}:user/bob is not authorized to perform: sts:AssumeRole"
        in error["Message"]
    )


def test_trust_in_somebody_else_is_no_trust(server, people):
    error = refused(people("bob").assume_role, RoleArn=arn(server, "ann-only"), RoleSessionName="drill")
    assert error["Code"] == "AccessDenied"


def test_a_role_that_is_not_there_is_denied_like_one_that_trusts_nobody(server, people):
    error = refused(people("ann").assume_role, RoleArn=arn(server, "ghost"), RoleSessionName="drill")
    assert error["Code"] == "AccessDenied"


@pytest.mark.parametrize("given", [{}, {"ExternalId": "wrong"}])
def test_the_external_id_must_be_right(server, people, given):
    error = refused(
        people("ann").assume_role, RoleArn=arn(server, "external"), RoleSessionName="drill", **given
    )
    assert error["Code"] == "AccessDenied"


def test_the_right_external_id_opens(server, people):
    people("ann").assume_role(
        RoleArn=arn(server, "external"), RoleSessionName="x1", ExternalId="secret-handshake"
    )


@pytest.mark.parametrize("name", ["open", "gone"])
def test_root_may_not_assume_roles_whether_they_are_there_or_not(server, aws, name):
    with server.installation.store.write() as transaction:
        transaction.records(server.account, "").add(
            Role(name="open", id="AROAOPEN", path="/", created=0, trust=trust(server.account))
        )
    error = refused(aws("sts").assume_role, RoleArn=arn(server, name), RoleSessionName="drill")
    assert error == {
        "Code": "AccessDenied",
        "Message": "Roles may not be assumed by root accounts.",
        "Type": "Sender",
    }


def test_a_duration_over_the_role_s_maximum_is_refused(server, people):
    error = refused(
        people("ann").assume_role, RoleArn=arn(server, "open"), RoleSessionName="drill", DurationSeconds=7200
    )
    assert error["Code"] == "ValidationError"
    assert "MaxSessionDuration" in error["Message"]


def test_credentials_expire(server, people, clock):
    answer = people("ann").assume_role(
        RoleArn=arn(server, "open"), RoleSessionName="drill", DurationSeconds=900
    )
    client = server.client_as("sts", answer["Credentials"])
    clock.advance(901)
    error = refused(client.get_caller_identity)
    assert error["Code"] == "ExpiredToken"


def test_a_tampered_token_is_refused(server, people):
    given = people("ann").assume_role(RoleArn=arn(server, "open"), RoleSessionName="drill")["Credentials"]
    token = given["SessionToken"]
    tampered = {**given, "SessionToken": token[:-2] + ("00" if token[-2:] != "00" else "11")}
    assert refused(server.client_as("sts", tampered).get_caller_identity)["Code"] == "InvalidClientTokenId"


def test_a_session_policy_only_takes_away(server, people):
    narrow = policy({"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"})
    answer = people("ann").assume_role(RoleArn=arn(server, "open"), RoleSessionName="drill", Policy=narrow)
    logs = server.client_as("logs", answer["Credentials"])
    assert refused(logs.describe_log_groups)["Code"] == "AccessDeniedException"
    assert answer["PackedPolicySize"] >= 1


def test_a_malformed_session_policy_is_named(server, people):
    error = refused(
        people("ann").assume_role, RoleArn=arn(server, "open"), RoleSessionName="drill", Policy="{}"
    )
    assert error["Code"] == "MalformedPolicyDocument"


def test_another_account_needs_both_sides(server, people):
    with server.installation.store.write() as transaction:
        records = transaction.records("222222222222", "")
        create_account(records, account_id="222222222222", name="two", email="two@example.com", now=0)
        records.add(Role(name="visit", id="AROAVISIT", path="/", created=0, trust=trust(server.account)))
    visit = "arn:aws:iam::222222222222:role/visit"
    answer = people("ann").assume_role(RoleArn=visit, RoleSessionName="drill")
    assert server.client_as("sts", answer["Credentials"]).get_caller_identity()["Account"] == "222222222222"
    assert (
        refused(people("bob").assume_role, RoleArn=visit, RoleSessionName="drill")["Code"] == "AccessDenied"
    )


def test_a_session_token_is_its_user(server, people):
    given = people("ann").get_session_token()["Credentials"]
    assert server.client_as("sts", given).get_caller_identity()["Arn"].endswith(":user/ann")
    assert refused(server.client_as("sts", given).get_session_token)["Code"] == "AccessDenied"


def test_a_federated_user_may_what_both_allow(server, people):
    answer = people("ann").get_federation_token(Name="guest")
    assert answer["FederatedUser"]["Arn"] == f"arn:aws:sts::{server.account}:federated-user/guest"
    logs = server.client_as("logs", answer["Credentials"])
    assert refused(logs.describe_log_groups)["Code"] == "AccessDeniedException"


@pytest.mark.parametrize(
    "wrong", ["nothing-valid-in-here", "arn::b:::some/role-of-mine", "arn:a:::some/role-of-mine"]
)
def test_what_is_no_arn_is_said_to_be_invalid(server, people, wrong):
    error = refused(people("ann").assume_role, RoleArn=wrong, RoleSessionName="drill")
    assert (error["Code"], error["Message"]) == ("ValidationError", f"{wrong} is invalid")


@pytest.mark.parametrize(
    ("tags", "transitive", "words"),
    [
        (["Team"], ["Other"], "The specified transitive tag key must be included in the requested tags."),
        (
            ["Team", "team"],
            [],
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (["Team", "aws:team"], [], "Tag keys that begin with aws: are reserved: aws:team"),
    ],
)
def test_tags_that_a_session_cannot_have(server, people, tags, transitive, words):
    error = refused(
        people("ann").assume_role,
        RoleArn=arn(server, "open"),
        RoleSessionName="drill",
        Tags=[{"Key": key, "Value": "x"} for key in tags],
        TransitiveTagKeys=transitive,
    )
    assert (error["Code"], error["Message"]) == ("InvalidParameterValue", words)


@pytest.mark.parametrize("key", ["Team", "team"])
def test_a_transitive_tag_cannot_be_overridden(server, people, key):
    given = people("ann").assume_role(
        RoleArn=arn(server, "open"),
        RoleSessionName="first",
        Tags=[{"Key": "Team", "Value": "a"}, {"Key": "Env", "Value": "b"}],
        TransitiveTagKeys=["team"],
    )["Credentials"]
    again = {"RoleArn": arn(server, "open"), "RoleSessionName": "second"}
    chained = server.client_as("sts", given)
    chained.assume_role(**again, Tags=[{"Key": "Env", "Value": "c"}])
    error = refused(chained.assume_role, **again, Tags=[{"Key": key, "Value": "c"}])
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"].endswith("conflicts with a transitive tag key from the calling session.")
