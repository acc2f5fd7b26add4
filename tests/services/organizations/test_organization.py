"""The organization itself, its root, trusted services, and who in it may do what."""

import re

import pytest

from tests.services.organizations.conftest import document, refused


def test_a_new_organization_has_all_features_unless_asked_otherwise(server, organizations):
    made = organizations.create_organization()["Organization"]
    assert re.fullmatch(r"o-[a-z0-9]{10,32}", made["Id"])
    assert made["Arn"] == f"arn:aws:organizations::{server.account}:organization/{made['Id']}"
    assert made["FeatureSet"] == "ALL"
    assert made["MasterAccountId"] == server.account
    assert made["MasterAccountArn"] == (
        f"arn:aws:organizations::{server.account}:account/{made['Id']}/{server.account}"
    )
    assert made["AvailablePolicyTypes"] == [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
    assert organizations.describe_organization()["Organization"] == made
    assert refused(organizations.create_organization).code == "AlreadyInOrganizationException"


def test_its_root_has_service_control_policies_enabled(server, organizations, organization):
    (root,) = organizations.list_roots()["Roots"]
    assert re.fullmatch(r"r-[0-9a-z]{4,32}", root["Id"])
    assert root["Arn"] == f"arn:aws:organizations::{server.account}:root/{organization['Id']}/{root['Id']}"
    assert root["Name"] == "Root"
    # It binds, and is listed once somebody enables it, as Terraform does.
    assert root["PolicyTypes"] == []
    enabled = organizations.enable_policy_type(RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
    assert enabled["Root"]["PolicyTypes"] == [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]


def test_consolidated_billing_knows_no_policies(organizations):
    made = organizations.create_organization(FeatureSet="CONSOLIDATED_BILLING")["Organization"]
    assert made["FeatureSet"] == "CONSOLIDATED_BILLING"
    assert made["AvailablePolicyTypes"] == []
    (root,) = organizations.list_roots()["Roots"]
    assert root["PolicyTypes"] == []
    fault = refused(
        organizations.create_policy,
        Name="x",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=document({"Effect": "Deny", "Action": "*", "Resource": "*"}),
    )
    assert fault.code == "PolicyTypeNotAvailableForOrganizationException"
    fault = refused(organizations.enable_policy_type, RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
    assert fault.code == "PolicyTypeNotAvailableForOrganizationException"
    fault = refused(organizations.enable_aws_service_access, ServicePrincipal="config.amazonaws.com")
    assert fault.reason == "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("describe_organization", {}),
        ("list_roots", {}),
        ("list_accounts", {}),
        ("create_account", {"Email": "a@example.com", "AccountName": "a"}),
        ("delete_organization", {}),
        ("leave_organization", {}),
    ],
)
def test_without_an_organization_there_is_nothing_to_ask(organizations, operation, parameters):
    fault = refused(getattr(organizations, operation), **parameters)
    assert fault.code == "AWSOrganizationsNotInUseException"
    assert fault.message == "Your account is not a member of an organization."


def test_it_is_deleted_when_the_members_are_gone(organizations, make_account, root, clock):
    account = make_account("one")
    organizations.create_organizational_unit(ParentId=root, Name="left behind")
    assert refused(organizations.delete_organization).code == "OrganizationNotEmptyException"
    clock.advance(4 * 24 * 3600)
    organizations.remove_account_from_organization(AccountId=account)
    organizations.delete_organization()
    assert refused(organizations.describe_organization).code == "AWSOrganizationsNotInUseException"
    again = organizations.create_organization()["Organization"]
    assert [one["Id"] for one in organizations.list_accounts()["Accounts"]] == [again["MasterAccountId"]]
    assert len(organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]) == 1


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("list_accounts", {}),
        ("create_account", {"Email": "a@example.com", "AccountName": "a"}),
        ("list_policies", {"Filter": "SERVICE_CONTROL_POLICY"}),
        ("delete_organization", {}),
        ("enable_aws_service_access", {"ServicePrincipal": "config.amazonaws.com"}),
    ],
)
def test_members_may_only_ask_about_the_organization(
    make_account, inside, organization, operation, parameters
):
    member = inside(make_account("one"), "organizations")
    assert member.describe_organization()["Organization"]["Id"] == organization["Id"]
    fault = refused(getattr(member, operation), **parameters)
    assert fault.code == "AccessDeniedException"
    assert fault.message == "You don't have permissions to access this resource."


def test_a_user_needs_permission_on_what_the_request_names(
    server, aws, organizations, organization, make_account
):
    one, two = make_account("one"), make_account("two")
    iam = aws("iam")
    iam.create_user(UserName="bob")
    arn = f"arn:aws:organizations::{server.account}:account/{organization['Id']}/{one}"
    allow = {"Effect": "Allow", "Action": "organizations:DescribeAccount", "Resource": arn}
    iam.put_user_policy(UserName="bob", PolicyName="one", PolicyDocument=document(allow))
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = server.client(
        "organizations",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert bob.describe_account(AccountId=one)["Account"]["Id"] == one
    fault = refused(bob.describe_account, AccountId=two)
    assert fault.code == "AccessDeniedException"
    assert f"{organization['Id']}/{two}" in fault.message


def test_services_get_trusted_access(organizations, organization):
    for name in ("config", "backup", "config"):
        organizations.enable_aws_service_access(ServicePrincipal=f"{name}.amazonaws.com")
    found = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [one["ServicePrincipal"] for one in found] == ["backup.amazonaws.com", "config.amazonaws.com"]
    assert found[0]["DateEnabled"]
    organizations.disable_aws_service_access(ServicePrincipal="backup.amazonaws.com")
    (left,) = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert left["ServicePrincipal"] == "config.amazonaws.com"
    fault = refused(organizations.enable_aws_service_access, ServicePrincipal="config")
    assert (fault.code, fault.reason) == ("InvalidInputException", "UNRECOGNIZED_SERVICE_PRINCIPAL")


def test_a_delegated_administrator_may_read_and_not_change(organizations, make_account, inside, server):
    one, two = make_account("one"), make_account("two")
    service = "config.amazonaws.com"
    register = organizations.register_delegated_administrator
    assert refused(register, AccountId=one, ServicePrincipal=service).reason == "SERVICE_ACCESS_NOT_ENABLED"
    organizations.enable_aws_service_access(ServicePrincipal=service)
    register(AccountId=one, ServicePrincipal=service)
    fault = refused(register, AccountId=one, ServicePrincipal=service)
    assert fault.code == "AccountAlreadyRegisteredException"
    fault = refused(register, AccountId=server.account, ServicePrincipal=service)
    assert fault.reason == "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"
    assert (
        refused(register, AccountId="999999999999", ServicePrincipal=service).code
        == "AccountNotFoundException"
    )

    (listed,) = organizations.list_delegated_administrators(ServicePrincipal=service)[
        "DelegatedAdministrators"
    ]
    assert (listed["Id"], listed["Status"], listed["JoinedMethod"]) == (one, "ACTIVE", "CREATED")
    services = organizations.list_delegated_services_for_account(AccountId=one)["DelegatedServices"]
    assert [one["ServicePrincipal"] for one in services] == [service]

    member = inside(one, "organizations")
    assert len(member.list_accounts()["Accounts"]) == 3
    assert (
        refused(member.create_account, Email="x@example.com", AccountName="x").code == "AccessDeniedException"
    )
    assert refused(inside(two, "organizations").list_accounts).code == "AccessDeniedException"

    deregister = organizations.deregister_delegated_administrator
    assert (
        refused(deregister, AccountId=two, ServicePrincipal=service).code == "AccountNotRegisteredException"
    )
    deregister(AccountId=one, ServicePrincipal=service)
    assert refused(member.list_accounts).code == "AccessDeniedException"


def test_a_resource_policy_opens_operations_to_a_member(
    server, organizations, organization, make_account, inside, root
):
    one, two = make_account("one"), make_account("two")
    assert refused(organizations.describe_resource_policy).code == "ResourcePolicyNotFoundException"
    content = document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{one}:root"},
            "Action": [
                "organizations:ListPolicies",
                "organizations:DescribePolicy",
                "organizations:AttachPolicy",
            ],
            "Resource": "*",
        }
    )
    put = organizations.put_resource_policy(Content=content)["ResourcePolicy"]
    identifier = put["ResourcePolicySummary"]["Id"]
    assert re.fullmatch(r"rp-[0-9a-zA-Z_]{4,128}", identifier)
    assert put["ResourcePolicySummary"]["Arn"] == (
        f"arn:aws:organizations::{server.account}:resourcepolicy/{organization['Id']}/{identifier}"
    )
    assert organizations.describe_resource_policy()["ResourcePolicy"]["Content"] == content

    member = inside(one, "organizations")
    assert len(member.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]) == 1
    assert member.describe_policy(PolicyId="p-FullAWSAccess")["Policy"]["Content"]
    fault = refused(member.attach_policy, PolicyId="p-FullAWSAccess", TargetId=root)
    assert fault.code == "DuplicatePolicyAttachmentException"
    assert refused(member.list_accounts).code == "AccessDeniedException"
    other = inside(two, "organizations")
    assert refused(other.list_policies, Filter="SERVICE_CONTROL_POLICY").code == "AccessDeniedException"

    organizations.delete_resource_policy()
    assert refused(member.list_policies, Filter="SERVICE_CONTROL_POLICY").code == "AccessDeniedException"
    fault = refused(organizations.put_resource_policy, Content="{")
    assert (fault.code, fault.reason) == ("InvalidInputException", "INVALID_RESOURCE_POLICY_JSON")
    fault = refused(
        organizations.put_resource_policy,
        Content=content.replace("organizations:ListPolicies", "iam:ListUsers"),
    )
    assert fault.reason == "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"


def test_what_is_not_built_says_so(organizations, organization):
    fault = refused(organizations.describe_effective_policy, PolicyType="TAG_POLICY")
    assert fault.code == "NotImplemented"
    fault = refused(
        organizations.create_policy, Name="tags", Description="", Type="TAG_POLICY", Content='{"tags":{}}'
    )
    assert fault.code == "NotImplemented"
