"""Organizational units, the policies of the organization and where they are attached, and tags."""

import re

import pytest

from tests.services.organizations.conftest import document, refused

DENY = document({"Effect": "Deny", "Action": "ec2:*", "Resource": "*"})
SCP = "SERVICE_CONTROL_POLICY"


@pytest.fixture
def make_unit(organizations, root):
    """Makes units, under the root unless told otherwise, and answers their ids."""

    def make(name, parent=root):
        made = organizations.create_organizational_unit(ParentId=parent, Name=name)
        return made["OrganizationalUnit"]["Id"]

    return make


@pytest.fixture
def make_policy(organizations, organization):
    """Makes service control policies and answers their ids."""

    def make(name, content=DENY):
        made = organizations.create_policy(Name=name, Description="about it", Type=SCP, Content=content)
        return made["Policy"]["PolicySummary"]["Id"]

    return make


def test_a_unit_has_its_place(server, organizations, organization, root, make_unit):
    above = make_unit("above")
    unit = organizations.create_organizational_unit(ParentId=above, Name="below")["OrganizationalUnit"]
    assert re.fullmatch(rf"ou-{root[2:]}-[a-z0-9]{{8,32}}", unit["Id"])
    assert unit == {
        "Id": unit["Id"],
        "Arn": f"arn:aws:organizations::{server.account}:ou/{organization['Id']}/{unit['Id']}",
        "Name": "below",
        "Path": f"{organization['Id']}/{root}/{above}/{unit['Id']}/",
    }
    describe = organizations.describe_organizational_unit
    assert describe(OrganizationalUnitId=unit["Id"])["OrganizationalUnit"] == unit
    assert organizations.list_parents(ChildId=unit["Id"])["Parents"] == [
        {"Id": above, "Type": "ORGANIZATIONAL_UNIT"}
    ]
    assert organizations.list_parents(ChildId=above)["Parents"] == [{"Id": root, "Type": "ROOT"}]
    assert organizations.list_parents(ChildId=server.account)["Parents"] == [{"Id": root, "Type": "ROOT"}]
    children = organizations.list_children(ParentId=above, ChildType="ORGANIZATIONAL_UNIT")["Children"]
    assert children == [{"Id": unit["Id"], "Type": "ORGANIZATIONAL_UNIT"}]
    children = organizations.list_children(ParentId=root, ChildType="ACCOUNT")["Children"]
    assert children == [{"Id": server.account, "Type": "ACCOUNT"}]
    listed = organizations.list_organizational_units_for_parent(ParentId=above)["OrganizationalUnits"]
    assert listed == [unit]
    assert refused(organizations.list_parents, ChildId="999999999999").code == "ChildNotFoundException"
    fault = refused(organizations.list_children, ParentId="ou-0000-00000000", ChildType="ACCOUNT")
    assert fault.code == "ParentNotFoundException"


def test_names_are_unique_among_siblings(organizations, make_unit, root):
    first = make_unit("a")
    make_unit("a", first)
    fault = refused(organizations.create_organizational_unit, ParentId=root, Name="a")
    assert fault.code == "DuplicateOrganizationalUnitException"
    second = make_unit("b")
    update = organizations.update_organizational_unit
    fault = refused(update, OrganizationalUnitId=second, Name="a")
    assert fault.code == "DuplicateOrganizationalUnitException"
    assert update(OrganizationalUnitId=second, Name="c")["OrganizationalUnit"]["Name"] == "c"


def test_units_nest_five_levels_deep(organizations, make_unit, root):
    parent = root
    for level in range(5):
        parent = make_unit(f"level {level}", parent)
    fault = refused(organizations.create_organizational_unit, ParentId=parent, Name="too deep")
    assert (fault.code, fault.reason) == ("ConstraintViolationException", "OU_DEPTH_LIMIT_EXCEEDED")


def test_only_an_empty_unit_is_deleted(organizations, make_unit, make_account, root):
    full, empty, holds = make_unit("full"), make_unit("empty"), make_unit("holds a unit")
    make_unit("inner", holds)
    account = make_account("one")
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=full)
    delete = organizations.delete_organizational_unit
    for unit in (full, holds):
        assert refused(delete, OrganizationalUnitId=unit).code == "OrganizationalUnitNotEmptyException"
    delete(OrganizationalUnitId=empty)
    assert refused(delete, OrganizationalUnitId=empty).code == "OrganizationalUnitNotFoundException"


def test_full_access_is_attached_to_everything_from_the_start(
    server, organizations, make_unit, make_account, root
):
    unit, account = make_unit("a"), make_account("one")
    targets = organizations.list_targets_for_policy(PolicyId="p-FullAWSAccess")["Targets"]
    assert {(one["TargetId"], one["Type"]) for one in targets} == {
        (root, "ROOT"),
        (unit, "ORGANIZATIONAL_UNIT"),
        (account, "ACCOUNT"),
        (server.account, "ACCOUNT"),
    }
    (policy,) = organizations.list_policies_for_target(TargetId=account, Filter=SCP)["Policies"]
    assert policy == {
        "Id": "p-FullAWSAccess",
        "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
        "Name": "FullAWSAccess",
        "Description": "Allows access to every operation",
        "Type": SCP,
        "AwsManaged": True,
    }
    update = organizations.update_policy
    assert refused(update, PolicyId="p-FullAWSAccess", Name="mine").reason == "IMMUTABLE_POLICY"
    assert refused(organizations.delete_policy, PolicyId="p-FullAWSAccess").reason == "IMMUTABLE_POLICY"


def test_a_policy_is_made_changed_and_deleted(server, organizations, organization, root, make_policy):
    policy = make_policy("no-ec2")
    assert re.fullmatch(r"p-[0-9a-z]{8,128}", policy)
    found = organizations.describe_policy(PolicyId=policy)["Policy"]
    assert found["Content"] == DENY
    assert found["PolicySummary"]["Arn"] == (
        f"arn:aws:organizations::{server.account}:policy/{organization['Id']}/service_control_policy/{policy}"
    )
    assert not found["PolicySummary"]["AwsManaged"]
    fault = refused(organizations.create_policy, Name="no-ec2", Description="", Type=SCP, Content=DENY)
    assert fault.code == "DuplicatePolicyException"
    changed = organizations.update_policy(PolicyId=policy, Name="none", Description="new")["Policy"]
    assert (changed["PolicySummary"]["Name"], changed["Content"]) == ("none", DENY)
    listed = [one["Name"] for one in organizations.list_policies(Filter=SCP)["Policies"]]
    assert sorted(listed) == ["FullAWSAccess", "none"]
    organizations.attach_policy(PolicyId=policy, TargetId=root)
    assert refused(organizations.delete_policy, PolicyId=policy).code == "PolicyInUseException"
    organizations.detach_policy(PolicyId=policy, TargetId=root)
    organizations.delete_policy(PolicyId=policy)
    assert refused(organizations.describe_policy, PolicyId=policy).code == "PolicyNotFoundException"


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        ("{", "MalformedPolicyDocumentException", None),
        ('{"Version":"2012-10-17"}', "MalformedPolicyDocumentException", None),
        (
            '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}',
            "MalformedPolicyDocumentException",
            None,
        ),
        (DENY + " " * 5120, "ConstraintViolationException", "POLICY_CONTENT_LIMIT_EXCEEDED"),
    ],
)
def test_a_document_must_be_a_control_policy(organizations, organization, content, code, reason):
    fault = refused(organizations.create_policy, Name="x", Description="", Type=SCP, Content=content)
    assert (fault.code, fault.reason) == (code, reason)


def test_one_to_five_policies_are_attached(organizations, root, make_policy):
    attach, detach = organizations.attach_policy, organizations.detach_policy
    fault = refused(detach, PolicyId="p-FullAWSAccess", TargetId=root)
    assert (fault.code, fault.reason) == (
        "ConstraintViolationException",
        "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
    )
    made = [make_policy(f"policy {number}") for number in range(5)]
    for policy in made[:4]:
        attach(PolicyId=policy, TargetId=root)
    assert refused(attach, PolicyId=made[0], TargetId=root).code == "DuplicatePolicyAttachmentException"
    fault = refused(attach, PolicyId=made[4], TargetId=root)
    assert fault.reason == "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    assert refused(detach, PolicyId=made[4], TargetId=root).code == "PolicyNotAttachedException"
    assert refused(attach, PolicyId=made[4], TargetId="999999999999").code == "TargetNotFoundException"
    assert refused(attach, PolicyId="p-00000000", TargetId=root).code == "PolicyNotFoundException"


def test_a_type_is_disabled_and_enabled_again(organizations, root, make_policy, make_account):
    account, policy = make_account("one"), make_policy("no-ec2")
    organizations.attach_policy(PolicyId=policy, TargetId=account)
    organizations.enable_policy_type(RootId=root, PolicyType=SCP)
    assert (
        refused(organizations.enable_policy_type, RootId=root, PolicyType=SCP).code
        == "PolicyTypeAlreadyEnabledException"
    )
    disabled = organizations.disable_policy_type(RootId=root, PolicyType=SCP)["Root"]
    assert disabled["PolicyTypes"] == []
    assert organizations.list_policies_for_target(TargetId=account, Filter=SCP)["Policies"] == []
    fault = refused(organizations.attach_policy, PolicyId=policy, TargetId=account)
    assert fault.code == "PolicyTypeNotEnabledException"
    fault = refused(organizations.disable_policy_type, RootId=root, PolicyType=SCP)
    assert fault.code == "PolicyTypeNotEnabledException"
    fault = refused(organizations.enable_policy_type, RootId="r-00000000", PolicyType=SCP)
    assert fault.code == "RootNotFoundException"
    organizations.enable_policy_type(RootId=root, PolicyType=SCP)
    (left,) = organizations.list_policies_for_target(TargetId=account, Filter=SCP)["Policies"]
    assert left["Id"] == "p-FullAWSAccess"
    assert organizations.describe_policy(PolicyId=policy)["Policy"]["Content"] == DENY


def test_the_resource_control_policy_of_aws_cannot_be_detached(organizations, root):
    organizations.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
    fault = refused(organizations.detach_policy, PolicyId="p-RCPFullAWSAccess", TargetId=root)
    assert fault.reason == "NON_DETACHABLE_POLICY"


def test_tags_of_everything(organizations, root, make_unit, make_policy, make_account):
    for resource in (root, make_unit("a"), make_policy("p"), make_account("one")):
        organizations.tag_resource(
            ResourceId=resource, Tags=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": ""}]
        )
        organizations.tag_resource(ResourceId=resource, Tags=[{"Key": "b", "Value": "2"}])
        assert organizations.list_tags_for_resource(ResourceId=resource)["Tags"] == [
            {"Key": "a", "Value": ""},
            {"Key": "b", "Value": "2"},
        ]
        organizations.untag_resource(ResourceId=resource, TagKeys=["a", "never there"])
        assert organizations.list_tags_for_resource(ResourceId=resource)["Tags"] == [
            {"Key": "b", "Value": "2"}
        ]


@pytest.mark.parametrize(
    ("tags", "code", "reason"),
    [
        (["a", "a"], "InvalidInputException", "DUPLICATE_TAG_KEY"),
        (["aws:mine"], "InvalidInputException", "INVALID_SYSTEM_TAGS_PARAMETER"),
        ([f"tag{n}" for n in range(51)], "ConstraintViolationException", "MAX_TAG_LIMIT_EXCEEDED"),
    ],
)
def test_tags_are_checked(organizations, root, tags, code, reason):
    tags = [{"Key": key, "Value": ""} for key in tags]
    fault = refused(organizations.tag_resource, ResourceId=root, Tags=tags)
    assert (fault.code, fault.reason) == (code, reason)
    fault = refused(organizations.tag_resource, ResourceId="999999999999", Tags=tags[:1])
    assert fault.code == "TargetNotFoundException" or reason == "INVALID_SYSTEM_TAGS_PARAMETER"
