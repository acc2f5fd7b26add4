"""Two organizations in one installation: neither's management account reaches what is the other's."""

import pytest

from coldframe.identity.accounts import create_access_key, create_account
from tests.services.organizations.conftest import document, refused


@pytest.fixture
def rival(server):
    """Organizations as the root of another account, which manages an organization of its own."""
    with server.installation.store.write() as transaction:
        records = transaction.records("", "")
        create_account(records, account_id="222222222222", name="rival", email="r@example.com", now=0)
        key, secret = create_access_key(
            records, server.installation.seal, account="222222222222", user="", now=0
        )
    client = server.client("organizations", aws_access_key_id=key.id, aws_secret_access_key=secret)
    client.create_organization()
    return client


def test_nothing_of_the_other_organization_is_there(organizations, root, make_account, rival):
    account = make_account("one")
    unit = organizations.create_organizational_unit(ParentId=root, Name="a")["OrganizationalUnit"]["Id"]
    policy = organizations.create_policy(
        Name="p",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=document({"Effect": "Deny", "Action": "*", "Resource": "*"}),
    )["Policy"]["PolicySummary"]["Id"]
    request = organizations.list_create_account_status()["CreateAccountStatuses"][0]["Id"]
    theirs = rival.list_roots()["Roots"][0]["Id"]
    full = "p-FullAWSAccess"
    for operation, parameters, code in (
        ("describe_account", {"AccountId": account}, "AccountNotFoundException"),
        ("close_account", {"AccountId": account}, "AccountNotFoundException"),
        ("remove_account_from_organization", {"AccountId": account}, "AccountNotFoundException"),
        (
            "move_account",
            {"AccountId": account, "SourceParentId": root, "DestinationParentId": theirs},
            "AccountNotFoundException",
        ),
        ("delete_organizational_unit", {"OrganizationalUnitId": unit}, "OrganizationalUnitNotFoundException"),
        ("create_organizational_unit", {"ParentId": unit, "Name": "b"}, "ParentNotFoundException"),
        ("list_accounts_for_parent", {"ParentId": root}, "ParentNotFoundException"),
        ("list_parents", {"ChildId": account}, "ChildNotFoundException"),
        ("describe_policy", {"PolicyId": policy}, "PolicyNotFoundException"),
        ("delete_policy", {"PolicyId": policy}, "PolicyNotFoundException"),
        ("attach_policy", {"PolicyId": policy, "TargetId": theirs}, "PolicyNotFoundException"),
        ("detach_policy", {"PolicyId": full, "TargetId": account}, "TargetNotFoundException"),
        ("attach_policy", {"PolicyId": full, "TargetId": unit}, "TargetNotFoundException"),
        (
            "disable_policy_type",
            {"RootId": root, "PolicyType": "SERVICE_CONTROL_POLICY"},
            "RootNotFoundException",
        ),
        ("list_tags_for_resource", {"ResourceId": account}, "TargetNotFoundException"),
        ("list_tags_for_resource", {"ResourceId": policy}, "TargetNotFoundException"),
        (
            "describe_create_account_status",
            {"CreateAccountRequestId": request},
            "CreateAccountStatusNotFoundException",
        ),
    ):
        assert refused(getattr(rival, operation), **parameters).code == code, operation
    assert [one["Id"] for one in rival.list_accounts()["Accounts"]] == ["222222222222"]
    assert [one["Id"] for one in rival.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]] == [full]
    assert len(rival.list_targets_for_policy(PolicyId=full)["Targets"]) == 2
    assert rival.list_create_account_status()["CreateAccountStatuses"] == []
    assert rival.list_handshakes_for_organization()["Handshakes"] == []


def test_one_ends_and_the_other_stays(organizations, organization, make_account, rival):
    account = make_account("one")
    rival.delete_organization()
    assert organizations.describe_organization()["Organization"]["Id"] == organization["Id"]
    assert account in [one["Id"] for one in organizations.list_accounts()["Accounts"]]
