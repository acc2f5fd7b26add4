"""The story: a member account by its role, bound by the control policies on the way to it, at the next call."""

import pytest

from tests.services.organizations.conftest import document, refused

NO_USERS = document({"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"})


@pytest.fixture
def scp(organizations, organization):
    """Makes service control policies and answers their ids."""

    def make(name, content, kind="SERVICE_CONTROL_POLICY"):
        made = organizations.create_policy(Name=name, Description="", Type=kind, Content=content)
        return made["Policy"]["PolicySummary"]["Id"]

    return make


@pytest.fixture
def unit(organizations, root):
    """The id of a unit under the root."""
    return organizations.create_organizational_unit(ParentId=root, Name="work")["OrganizationalUnit"]["Id"]


def test_the_new_accounts_role_is_an_administrators_for_the_management_account(make_account, inside, aws):
    account = make_account("one")
    assert inside(account, "sts").get_caller_identity()["Account"] == account
    inside(account, "iam").create_user(UserName="in-the-new-account")
    assert [user["UserName"] for user in aws("iam").list_users()["Users"]] == ["ann"]
    names = [role["RoleName"] for role in inside(account, "iam").list_roles()["Roles"]]
    assert names == ["OrganizationAccountAccessRole"]


def test_a_role_name_may_be_given(make_account, inside):
    account = make_account("one", RoleName="Caretaker")
    assert inside(account, "sts", role="Caretaker").get_caller_identity()["Account"] == account


def test_root_of_the_management_account_cannot_assume_the_role(make_account, aws):
    account = make_account("one")
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    fault = refused(aws("sts").assume_role, RoleArn=role, RoleSessionName="drill")
    assert fault.message == "Roles may not be assumed by root accounts."


def test_a_deny_on_the_unit_binds_administrators_of_the_member_alone(
    organizations, make_account, inside, scp, unit, root, ann
):
    account = make_account("one")
    iam = inside(account, "iam")
    organizations.attach_policy(PolicyId=scp("no-users", NO_USERS), TargetId=unit)
    iam.list_users()

    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
    fault = refused(iam.list_users)
    assert fault.code == "AccessDenied"
    assert "with an explicit deny in a service control policy" in fault.message
    ann("iam").list_users()

    organizations.move_account(AccountId=account, SourceParentId=unit, DestinationParentId=root)
    iam.list_users()


def test_a_deny_on_the_root_does_not_bind_the_management_account(
    organizations, make_account, inside, scp, root, ann
):
    organizations.attach_policy(PolicyId=scp("no-users", NO_USERS), TargetId=root)
    assert "service control policy" in refused(inside(make_account("one"), "iam").list_users).message
    ann("iam").list_users()


def test_a_deny_on_the_account_itself_binds(organizations, make_account, inside, scp):
    one, two = make_account("one"), make_account("two")
    organizations.attach_policy(PolicyId=scp("no-users", NO_USERS), TargetId=one)
    assert refused(inside(one, "iam").list_users).code == "AccessDenied"
    inside(two, "iam").list_users()


def test_without_full_access_only_what_another_policy_allows_is_left(
    organizations, make_account, inside, scp
):
    account = make_account("one")
    only_sts = scp("only-sts", document({"Effect": "Allow", "Action": "sts:*", "Resource": "*"}))
    iam = inside(account, "iam")
    organizations.attach_policy(PolicyId=only_sts, TargetId=account)
    iam.list_users()
    organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=account)
    assert "because no service control policy allows" in refused(iam.list_users).message


def test_every_level_must_allow(organizations, make_account, inside, scp, unit, root):
    account = make_account("one")
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
    iam = inside(account, "iam")
    organizations.attach_policy(
        PolicyId=scp("only-sts", document({"Effect": "Allow", "Action": "sts:*", "Resource": "*"})),
        TargetId=unit,
    )
    organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=unit)
    assert "because no service control policy allows" in refused(iam.list_users).message


def test_the_new_text_of_a_policy_binds_at_the_next_call(organizations, make_account, inside, scp, root):
    policy = scp("guard", document({"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}))
    organizations.attach_policy(PolicyId=policy, TargetId=root)
    iam = inside(make_account("one"), "iam")
    iam.list_users()
    organizations.update_policy(PolicyId=policy, Content=NO_USERS)
    assert "explicit deny in a service control policy" in refused(iam.list_users).message
    organizations.detach_policy(PolicyId=policy, TargetId=root)
    iam.list_users()


def test_a_type_that_is_disabled_binds_nobody(organizations, make_account, inside, scp, root):
    organizations.attach_policy(PolicyId=scp("no-users", NO_USERS), TargetId=root)
    iam = inside(make_account("one"), "iam")
    assert refused(iam.list_users).code == "AccessDenied"
    organizations.disable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    iam.list_users()


def test_an_account_that_was_closed_is_out(organizations, make_account, inside):
    account = make_account("one")
    iam = inside(account, "iam")
    organizations.close_account(AccountId=account)
    assert refused(iam.list_users).code == "InvalidClientTokenId"


def test_a_resource_control_policy_guards_the_members_resources(
    organizations, make_account, inside, scp, root, ann, aws
):
    account = make_account("one")
    organizations.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
    inside(account, "sts")
    content = document({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"})
    organizations.attach_policy(PolicyId=scp("closed", content, "RESOURCE_CONTROL_POLICY"), TargetId=root)
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    fault = refused(ann("sts").assume_role, RoleArn=role, RoleSessionName="drill")
    assert "with an explicit deny in a resource control policy" in fault.message
    own = make_role(aws("iam"), "own", {"Bool": {"aws:SecureTransport": "false"}})
    ann("sts").assume_role(RoleArn=own, RoleSessionName="drill")


def make_role(iam, name, condition):
    """A role that trusts everybody under a condition."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": condition}
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]


def test_a_trust_policy_may_ask_for_the_organization(organization, make_account, inside, ann):
    one, two = make_account("one"), make_account("two")
    iam = inside(one, "iam")
    ours = make_role(iam, "ours", {"StringEquals": {"aws:PrincipalOrgID": organization["Id"]}})
    theirs = make_role(iam, "theirs", {"StringEquals": {"aws:PrincipalOrgID": "o-0000000000"}})
    for caller in (inside(two, "sts"), ann("sts")):
        caller.assume_role(RoleArn=ours, RoleSessionName="drill")
        assert refused(caller.assume_role, RoleArn=theirs, RoleSessionName="drill").code == "AccessDenied"


def test_a_trust_policy_may_ask_for_a_path_of_the_organization(
    organizations, organization, make_account, inside, unit, root
):
    one, two = make_account("one"), make_account("two")
    path = f"{organization['Id']}/{root}/{unit}/*"
    condition = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [path]}}
    role = make_role(inside(one, "iam"), "of-the-unit", condition)
    caller = inside(two, "sts")
    assert refused(caller.assume_role, RoleArn=role, RoleSessionName="drill").code == "AccessDenied"
    organizations.move_account(AccountId=two, SourceParentId=root, DestinationParentId=unit)
    caller.assume_role(RoleArn=role, RoleSessionName="drill")


@pytest.mark.parametrize("ours", [True, False])
def test_a_policy_may_confine_a_user_to_resources_of_the_organization(
    server, organization, make_account, inside, ours
):
    one, two = make_account("one"), make_account("two")
    role = make_role(inside(one, "iam"), "open", {"StringEquals": {"aws:PrincipalAccount": two}})
    iam = inside(two, "iam")
    iam.create_user(UserName="bob")
    condition = {"StringEquals": {"aws:ResourceOrgID": organization["Id"] if ours else "o-0000000000"}}
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", "Condition": condition}
    iam.put_user_policy(UserName="bob", PolicyName="confined", PolicyDocument=document(allow))
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    sts = server.client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    if ours:
        sts.assume_role(RoleArn=role, RoleSessionName="drill")
    else:
        assert refused(sts.assume_role, RoleArn=role, RoleSessionName="drill").code == "AccessDenied"


def test_policies_of_one_organization_do_not_reach_another(
    server, make_account, scp, inside, organizations, clock
):
    account = make_account("one")
    organizations.attach_policy(PolicyId=scp("no-users", NO_USERS), TargetId=account)
    iam = inside(account, "iam")
    assert refused(iam.list_users).code == "AccessDenied"
    clock.advance(5 * 24 * 3600)
    organizations.remove_account_from_organization(AccountId=account)
    own = inside(account, "organizations").create_organization()["Organization"]
    assert own["MasterAccountId"] == account
    inside(account, "iam").list_users()
