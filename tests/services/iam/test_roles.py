"""Roles, instance profiles, groups, and roles that are linked to services."""

import pytest

from coldframe.identity.records import Role
from tests.services.iam.asking import allow, policy, refused, trust

EC2 = trust(Service="ec2.amazonaws.com")


def test_a_new_role_is_described_whole(cloud, iam, fresh):
    name = fresh("role")
    made = iam.create_role(
        RoleName=name,
        Path="/team/",
        AssumeRolePolicyDocument=EC2,
        Description="runs",
        MaxSessionDuration=7200,
        PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess",
        Tags=[{"Key": "a", "Value": ""}],
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{cloud.account}:role/team/{name}"
    assert made["RoleId"].startswith("AROA")
    assert made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert (made["Description"], made["MaxSessionDuration"]) == ("runs", 7200)
    assert made["Tags"] == [{"Key": "a", "Value": ""}]
    assert iam.get_role(RoleName=name)["Role"] == made | {"RoleLastUsed": {}}
    (listed,) = iam.list_roles(PathPrefix="/team/")["Roles"]
    assert not {"Tags", "PermissionsBoundary", "RoleLastUsed"} & set(listed)
    iam.update_role(RoleName=name, MaxSessionDuration=3600, Description="walks")
    assert iam.update_role_description(RoleName=name, Description="sits")["Role"]["Description"] == "sits"
    assert iam.get_role(RoleName=name)["Role"]["MaxSessionDuration"] == 3600


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("no json", "This policy contains invalid Json"),
        (policy(allow("sts:AssumeRole")), "Missing required field Principal"),
        (policy({**allow("sts:AssumeRole"), "Principal": "*"}), "Has prohibited field Resource"),
        (
            policy({"Effect": "Allow", "Principal": "*", "Action": "s3:Get"}),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            policy(
                {"Effect": "Allow", "Principal": "*", "Action": ["sts:TagSession", "sts:GetCallerIdentity"]}
            ),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (trust(AWS="arn:aws:iam::{account}:user/ghost"), 'Invalid principal in policy: "AWS":"arn:aws:iam::'),
        (
            trust(AWS="arn:aws:iam::{account}:role/x/ghost"),
            'Invalid principal in policy: "AWS":"arn:aws:iam::',
        ),
    ],
)
def test_a_trust_policy_must_be_one(cloud, iam, fresh, document, words):
    text, name = document.replace("{account}", cloud.account), fresh("role")
    code, message = refused(iam.create_role, RoleName=name, AssumeRolePolicyDocument=text)
    assert (code, words in message) == ("MalformedPolicyDocument", True), message
    assert "(" not in message, "AWS's words stand alone"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2)
    assert refused(iam.update_assume_role_policy, RoleName=name, PolicyDocument=text)[0] == code
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]


def test_a_session_lasts_twelve_hours_at_most(iam, fresh):
    asked = {"RoleName": fresh("r"), "AssumeRolePolicyDocument": EC2, "MaxSessionDuration": 43201}
    assert refused(iam.create_role, **asked)[0] == "ValidationError"


def test_what_a_role_has_goes_first(iam, fresh):
    role, profile = fresh("role"), fresh("profile")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=EC2)
    iam.create_instance_profile(InstanceProfileName=profile)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(allow("logs:*")))
    for what, undo in (
        (
            "remove roles from instance profile",
            lambda: iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role),
        ),
        (
            "detach all policies",
            lambda: iam.detach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ),
        ("delete policies", lambda: iam.delete_role_policy(RoleName=role, PolicyName="p")),
    ):
        assert refused(iam.delete_role, RoleName=role) == (
            "DeleteConflict",
            f"Cannot delete entity, must {what} first.",
        )
        undo()
    iam.delete_role(RoleName=role)
    assert refused(iam.get_role, RoleName=role) == (
        "NoSuchEntity",
        f"The role with name {role} cannot be found.",
    )


def test_an_instance_profile_has_one_role(iam, fresh):
    profile, one, two = fresh("profile"), fresh("role"), fresh("role")
    made = iam.create_instance_profile(InstanceProfileName=profile, Path="/p/")["InstanceProfile"]
    assert made["InstanceProfileId"].startswith("AIPA")
    for name in (one, two):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=one)
    assert refused(iam.add_role_to_instance_profile, InstanceProfileName=profile, RoleName=two) == (
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    )
    (found,) = iam.list_instance_profiles_for_role(RoleName=one)["InstanceProfiles"]
    assert [role["RoleName"] for role in found["Roles"]] == [one]
    assert iam.list_instance_profiles_for_role(RoleName=two)["InstanceProfiles"] == []
    assert iam.list_instance_profiles(PathPrefix="/p/")["InstanceProfiles"] == [found]
    assert refused(iam.delete_instance_profile, InstanceProfileName=profile)[0] == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=one)
    iam.delete_instance_profile(InstanceProfileName=profile)
    assert refused(iam.get_instance_profile, InstanceProfileName=profile) == (
        "NoSuchEntity",
        f"Instance Profile {profile} cannot be found.",
    )


def test_a_role_of_a_service_is_the_service_s(cloud, iam):
    made = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")[
        "Role"
    ]
    name = "AWSServiceRoleForAutoScaling_x"
    assert made["Arn"] == (
        f"arn:aws:iam::{cloud.account}:role/aws-service-role/autoscaling.amazonaws.com/{name}"
    )
    protected = (
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
    )
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    for operation, more in (
        (iam.delete_role, {}),
        (iam.attach_role_policy, {"PolicyArn": arn}),
        (iam.put_role_policy, {"PolicyName": "p", "PolicyDocument": policy(allow("logs:*"))}),
        (iam.update_role, {"MaxSessionDuration": 7200, "Description": "mine"}),
        (iam.put_role_permissions_boundary, {"PermissionsBoundary": arn}),
    ):
        assert refused(operation, RoleName=name, **more) == protected
    # Its description and its tags are the account's.
    iam.update_role(RoleName=name, Description="ours")
    iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_role(RoleName=name, TagKeys=["a"])
    found = iam.get_role(RoleName=name)["Role"]
    assert (found["Description"], found["Tags"]) == ("ours", [{"Key": "b", "Value": "2"}])
    again = {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "x"}
    assert refused(iam.create_service_linked_role, **again)[0] == "InvalidInput"
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert refused(iam.get_role, RoleName=name)[0] == "NoSuchEntity"


@pytest.mark.parametrize(
    "asked",
    [
        {"AWSServiceName": "nothing.amazonaws.com"},
        {"AWSServiceName": "ecs.amazonaws.com", "CustomSuffix": "x"},
    ],
)
def test_only_known_services_have_linked_roles(iam, asked):
    assert refused(iam.create_service_linked_role, **asked)[0] == "InvalidInput"


def test_groups_are_listed_with_their_users_in_pages(iam, fresh):
    group, users = fresh("group"), [fresh("user") for _ in range(3)]
    made = iam.create_group(GroupName=group, Path="/g/")["Group"]
    assert made["GroupId"].startswith("AGPA")
    for name in users:
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName=group, UserName=name)
    first = iam.get_group(GroupName=group, MaxItems=2)
    rest = iam.get_group(GroupName=group, Marker=first["Marker"])
    seen = [user["UserName"] for page in (first, rest) for user in page["Users"]]
    assert seen == sorted(users)
    assert iam.list_groups(PathPrefix="/g/")["Groups"] == [made]
    assert refused(iam.create_group, GroupName=group.upper())[0] == "EntityAlreadyExists"
    for name in users:
        iam.remove_user_from_group(GroupName=group, UserName=name)
    iam.delete_group(GroupName=group)
    assert refused(iam.get_group, GroupName=group) == (
        "NoSuchEntity",
        f"The group with name {group} cannot be found.",
    )


def test_a_role_that_came_with_the_account_takes_its_name_too(cloud, iam):
    with cloud.installation.store.write() as transaction:
        transaction.records(cloud.account, "").add(
            Role(name="CameWithIt", id="AROACAME", path="/", created=0, trust=EC2)
        )
    asked = {"RoleName": "camewithit", "AssumeRolePolicyDocument": EC2}
    assert refused(iam.create_role, **asked)[0] == "EntityAlreadyExists"
