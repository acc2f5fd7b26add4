"""Accounts: made, listed, moved, closed and taken out, and the invitations of others."""

import re

import pytest

from coldframe.identity.accounts import create_access_key, create_account
from coldframe.identity.secret_keys import SecretKeys
from tests.services.organizations.conftest import refused


@pytest.fixture
def stranger(server):
    """Makes accounts outside any organization; answers the id and a client of Organizations as their root."""

    def make(account_id, email):
        with server.installation.store.write() as transaction:
            records = transaction.records("", "")
            create_account(records, account_id=account_id, name="stranger", email=email, now=0)
            key, secret = create_access_key(
                records, server.installation.seal, account=account_id, user="", now=0
            )
        return server.client("organizations", aws_access_key_id=key.id, aws_secret_access_key=secret)

    return make


def test_the_request_for_an_account_can_be_followed(organizations, organization):
    asked = organizations.create_account(Email="one@example.com", AccountName="one")["CreateAccountStatus"]
    assert re.fullmatch(r"car-[a-z0-9]{8,32}", asked["Id"])
    status = organizations.describe_create_account_status(CreateAccountRequestId=asked["Id"])
    status = status["CreateAccountStatus"]
    assert (status["State"], status["AccountName"]) == ("SUCCEEDED", "one")
    assert re.fullmatch(r"\d{12}", status["AccountId"])
    assert status["RequestedTimestamp"] <= status["CompletedTimestamp"]
    unknown = refused(organizations.describe_create_account_status, CreateAccountRequestId="car-00000000")
    assert unknown.code == "CreateAccountStatusNotFoundException"


def test_an_address_serves_one_account(organizations, organization, make_account):
    make_account("one")
    again = organizations.create_account(Email="one@example.com", AccountName="two")["CreateAccountStatus"]
    assert (again["State"], again["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert "AccountId" not in again
    bad = organizations.create_account(Email=".dot@example.com", AccountName="two")["CreateAccountStatus"]
    assert (bad["State"], bad["FailureReason"]) == ("FAILED", "INVALID_EMAIL")
    listed = organizations.list_create_account_status(States=["FAILED"])["CreateAccountStatuses"]
    assert {one["Id"] for one in listed} == {again["Id"], bad["Id"]}
    assert len(organizations.list_create_account_status()["CreateAccountStatuses"]) == 3
    assert len(organizations.list_accounts()["Accounts"]) == 2


def test_a_role_name_must_not_be_a_services(organizations, organization):
    fault = refused(
        organizations.create_account, Email="a@example.com", AccountName="a", RoleName="AWSServiceRoleForX"
    )
    assert (fault.code, fault.reason) == ("InvalidInputException", "INVALID_ROLE_NAME")


def test_an_account_is_described(server, organizations, organization, make_account, root):
    account = make_account("one", Tags=[{"Key": "stage", "Value": "test"}])
    found = organizations.describe_account(AccountId=account)["Account"]
    joined = found.pop("JoinedTimestamp")
    assert abs(joined.timestamp() - server.clock.seconds()) < 60
    assert found == {
        "Id": account,
        "Arn": f"arn:aws:organizations::{server.account}:account/{organization['Id']}/{account}",
        "Email": "one@example.com",
        "Name": "one",
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [f"{organization['Id']}/{root}/{account}/"],
        "JoinedMethod": "CREATED",
    }
    assert organizations.list_tags_for_resource(ResourceId=account)["Tags"] == [
        {"Key": "stage", "Value": "test"}
    ]
    assert (
        refused(organizations.describe_account, AccountId="999999999999").code == "AccountNotFoundException"
    )


def test_accounts_are_listed_in_pages(organizations, make_account):
    made = {make_account(f"n{number}") for number in range(5)}
    pages = [
        [account["Id"] for account in page["Accounts"]]
        for page in organizations.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 2})
    ]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert made < {account for page in pages for account in page}
    fault = refused(organizations.list_accounts, NextToken="made up")
    assert (fault.code, fault.reason) == ("InvalidInputException", "INVALID_NEXT_TOKEN")


def test_moving_needs_the_right_places(organizations, make_account, root):
    account = make_account("one")
    unit = organizations.create_organizational_unit(ParentId=root, Name="a")["OrganizationalUnit"]["Id"]
    move = organizations.move_account
    for source, destination, code in (
        (unit, root, "SourceParentNotFoundException"),
        ("r-0000000000", unit, "SourceParentNotFoundException"),
        (root, "ou-0000-00000000", "DestinationParentNotFoundException"),
        (root, root, "DuplicateAccountException"),
    ):
        fault = refused(move, AccountId=account, SourceParentId=source, DestinationParentId=destination)
        assert fault.code == code
    fault = refused(move, AccountId="999999999999", SourceParentId=root, DestinationParentId=unit)
    assert fault.code == "AccountNotFoundException"
    move(AccountId=account, SourceParentId=root, DestinationParentId=unit)
    (there,) = organizations.list_accounts_for_parent(ParentId=unit)["Accounts"]
    assert there["Paths"][0].endswith(f"/{unit}/{account}/")
    assert account not in [a["Id"] for a in organizations.list_accounts_for_parent(ParentId=root)["Accounts"]]


def test_a_closed_account_stays_suspended(server, organizations, make_account):
    account = make_account("one")
    organizations.close_account(AccountId=account)
    found = organizations.describe_account(AccountId=account)["Account"]
    assert (found["Status"], found["State"]) == ("SUSPENDED", "CLOSED")
    assert refused(organizations.close_account, AccountId=account).code == "AccountAlreadyClosedException"
    fault = refused(organizations.close_account, AccountId=server.account)
    assert fault.reason == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"


def test_a_closed_account_has_no_secrets_in_the_server_any_more(server, organizations, make_account, inside):
    account = make_account("one")
    iam = inside(account, "iam")
    iam.create_user(UserName="jane")
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    pair = {
        "AccessKeyId": key["AccessKeyId"],
        "SecretAccessKey": key["SecretAccessKey"],
        "SessionToken": None,
    }
    sts = server.client_as("sts", pair)
    assert sts.get_caller_identity()["Account"] == account
    known = server.installation.parts.get(SecretKeys).known
    assert key["AccessKeyId"] in {slot[0] for slot in known}
    organizations.close_account(AccountId=account)
    assert key["AccessKeyId"] not in {slot[0] for slot in known}
    assert refused(sts.get_caller_identity).code == "InvalidClientTokenId"


def test_a_new_account_waits_four_days_before_it_may_go(server, organizations, make_account, inside, clock):
    one, two = make_account("one"), make_account("two")
    fault = refused(organizations.remove_account_from_organization, AccountId=one)
    assert (fault.code, fault.reason) == ("ConstraintViolationException", "WAIT_PERIOD_ACTIVE")
    assert refused(inside(two, "organizations").leave_organization).reason == "WAIT_PERIOD_ACTIVE"
    clock.advance(4 * 24 * 3600)
    organizations.remove_account_from_organization(AccountId=one)
    inside(two, "organizations").leave_organization()
    assert len(organizations.list_accounts()["Accounts"]) == 1
    fault = refused(inside(one, "organizations").describe_organization)
    assert fault.code == "AWSOrganizationsNotInUseException"
    fault = refused(organizations.remove_account_from_organization, AccountId=server.account)
    assert fault.code == "MasterCannotLeaveOrganizationException"
    assert refused(organizations.leave_organization).code == "MasterCannotLeaveOrganizationException"


def test_a_delegated_administrator_cannot_be_removed(organizations, make_account, clock):
    account = make_account("one")
    organizations.enable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    organizations.register_delegated_administrator(AccountId=account, ServicePrincipal="config.amazonaws.com")
    clock.advance(4 * 24 * 3600)
    fault = refused(organizations.remove_account_from_organization, AccountId=account)
    assert fault.reason == "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"


def test_an_invitation_is_accepted(server, organizations, organization, stranger, root):
    guest = stranger("222222222222", "guest@example.com")
    invitation = organizations.invite_account_to_organization(
        Target={"Type": "EMAIL", "Id": "guest@example.com"},
        Notes="come in",
        Tags=[{"Key": "guest", "Value": "yes"}],
    )["Handshake"]
    assert re.fullmatch(r"h-[0-9a-z]{8,32}", invitation["Id"])
    assert invitation["Arn"] == (
        f"arn:aws:organizations::{server.account}:handshake/{organization['Id']}/invite/{invitation['Id']}"
    )
    assert (invitation["Action"], invitation["State"]) == ("INVITE", "OPEN")
    lasts = invitation["ExpirationTimestamp"] - invitation["RequestedTimestamp"]
    assert lasts.days == 15
    assert {(party["Type"], party["Id"]) for party in invitation["Parties"]} == {
        ("ORGANIZATION", organization["Id"]),
        ("EMAIL", "guest@example.com"),
    }
    assert {"Type": "NOTES", "Value": "come in"} in invitation["Resources"]

    (received,) = guest.list_handshakes_for_account()["Handshakes"]
    assert received == invitation
    assert organizations.list_handshakes_for_organization()["Handshakes"] == [invitation]
    assert (
        refused(organizations.accept_handshake, HandshakeId=invitation["Id"]).code == "AccessDeniedException"
    )
    assert guest.accept_handshake(HandshakeId=invitation["Id"])["Handshake"]["State"] == "ACCEPTED"
    found = organizations.describe_account(AccountId="222222222222")["Account"]
    assert (found["JoinedMethod"], found["Paths"]) == (
        "INVITED",
        [f"{organization['Id']}/{root}/222222222222/"],
    )
    assert organizations.list_tags_for_resource(ResourceId="222222222222")["Tags"]
    assert guest.describe_organization()["Organization"]["Id"] == organization["Id"]
    fault = refused(guest.accept_handshake, HandshakeId=invitation["Id"])
    assert fault.code == "HandshakeAlreadyInStateException"
    fault = refused(
        organizations.invite_account_to_organization, Target={"Type": "ACCOUNT", "Id": "222222222222"}
    )
    assert fault.reason == "ALREADY_IN_AN_ORGANIZATION"
    guest.leave_organization()
    assert refused(guest.describe_organization).code == "AWSOrganizationsNotInUseException"


def test_an_invitation_is_declined_or_canceled_by_the_right_one(organizations, organization, stranger):
    guest = stranger("222222222222", "guest@example.com")
    other = stranger("333333333333", "other@example.com")
    target = {"Type": "ACCOUNT", "Id": "222222222222"}
    first = organizations.invite_account_to_organization(Target=target)["Handshake"]["Id"]
    fault = refused(organizations.invite_account_to_organization, Target=target)
    assert fault.code == "DuplicateHandshakeException"
    assert refused(guest.cancel_handshake, HandshakeId=first).code == "AccessDeniedException"
    assert refused(other.describe_handshake, HandshakeId=first).code == "HandshakeNotFoundException"
    assert guest.decline_handshake(HandshakeId=first)["Handshake"]["State"] == "DECLINED"
    assert refused(guest.accept_handshake, HandshakeId=first).code == "InvalidHandshakeTransitionException"
    second = organizations.invite_account_to_organization(Target=target)["Handshake"]["Id"]
    assert organizations.cancel_handshake(HandshakeId=second)["Handshake"]["State"] == "CANCELED"
    assert refused(guest.accept_handshake, HandshakeId=second).code == "InvalidHandshakeTransitionException"
    for target, reason in (
        ({"Type": "EMAIL", "Id": "nobody@example.com"}, "INVALID_EMAIL_ADDRESS_TARGET"),
        ({"Type": "ORGANIZATION", "Id": "o-0000000000"}, "INVALID_PARTY_TYPE_TARGET"),
    ):
        assert refused(organizations.invite_account_to_organization, Target=target).reason == reason


def test_an_invitation_expires_and_is_forgotten(organizations, organization, stranger, clock):
    guest = stranger("222222222222", "guest@example.com")
    target = {"Type": "ACCOUNT", "Id": "222222222222"}
    invitation = organizations.invite_account_to_organization(Target=target)["Handshake"]["Id"]
    clock.advance(15 * 24 * 3600)
    assert organizations.describe_handshake(HandshakeId=invitation)["Handshake"]["State"] == "EXPIRED"
    assert (
        refused(guest.accept_handshake, HandshakeId=invitation).code == "InvalidHandshakeTransitionException"
    )
    clock.advance(30 * 24 * 3600)
    assert organizations.list_handshakes_for_organization()["Handshakes"] == []
    assert refused(guest.describe_handshake, HandshakeId=invitation).code == "HandshakeNotFoundException"


def test_the_manager_of_another_organization_cannot_join(organizations, organization, stranger):
    guest = stranger("222222222222", "guest@example.com")
    guest.create_organization()
    invitation = organizations.invite_account_to_organization(
        Target={"Type": "ACCOUNT", "Id": "222222222222"}
    )["Handshake"]["Id"]
    fault = refused(guest.accept_handshake, HandshakeId=invitation)
    assert fault.code == "MasterCannotLeaveOrganizationException"


def test_a_member_may_go_straight_to_another_organization(
    organizations, organization, make_account, inside, stranger, clock
):
    account = make_account("one")
    other = stranger("222222222222", "other@example.com")
    theirs = other.create_organization()["Organization"]["Id"]
    invitation = other.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": account})["Handshake"][
        "Id"
    ]
    fault = refused(inside(account, "organizations").accept_handshake, HandshakeId=invitation)
    assert fault.reason == "WAIT_PERIOD_ACTIVE"
    clock.advance(4 * 24 * 3600)
    inside(account, "organizations").accept_handshake(HandshakeId=invitation)
    found = inside(account, "organizations").describe_organization()["Organization"]
    assert found["Id"] == theirs
    assert account not in [one["Id"] for one in organizations.list_accounts()["Accounts"]]
    assert account in [one["Id"] for one in other.list_accounts()["Accounts"]]
