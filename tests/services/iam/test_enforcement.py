"""What is written into IAM decides the next request: policies, boundaries, groups, keys and roles."""

import pytest

from tests.services.iam.asking import allow, deny, policy, refused, trust

LOOK = "iam:ListUsers"


@pytest.fixture
def managed(iam, fresh):
    """Makes managed policies; returns the ARN."""

    def make(*statements, **more):
        answer = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=policy(*statements), **more)
        return answer["Policy"]["Arn"]

    return make


def test_from_nothing_to_all_and_back(cloud, iam, person, managed, fresh):
    name, client = person()
    ann = client()
    code, message = refused(ann.list_users)
    assert code == "AccessDenied"
    assert f"User: arn:aws:iam::{cloud.account}:user/{name} is not authorized to perform: {LOOK}" in message

    iam.put_user_policy(UserName=name, PolicyName="look", PolicyDocument=policy(allow(LOOK)))
    assert ann.list_users()["Users"]

    narrow = managed(allow("logs:*"))
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=narrow)
    assert "because no permissions boundary allows" in refused(ann.list_users)[1]
    iam.delete_user_permissions_boundary(UserName=name)
    assert ann.list_users()["Users"]

    group = fresh("group")
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="no", PolicyDocument=policy(deny(LOOK)))
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert "with an explicit deny in an identity-based policy" in refused(ann.list_users)[1]
    iam.remove_user_from_group(GroupName=group, UserName=name)
    assert ann.list_users()["Users"]

    iam.delete_user_policy(UserName=name, PolicyName="look")
    assert refused(ann.list_users)[0] == "AccessDenied"


def test_a_detached_policy_counts_no_more(iam, person, managed):
    name, client = person()
    ann, arn = client(), managed(allow(LOOK))
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    assert ann.list_users()["Users"]
    iam.detach_user_policy(UserName=name, PolicyArn=arn)
    assert refused(ann.list_users)[0] == "AccessDenied"


def test_a_group_passes_its_policies_on(iam, person, managed, fresh):
    name, client = person()
    ann, group = client(), fresh("group")
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn=managed(allow(LOOK)))
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert ann.list_users()["Users"]
    renamed = fresh("group")
    iam.update_group(GroupName=group, NewGroupName=renamed)
    assert ann.list_users()["Users"]
    iam.remove_user_from_group(GroupName=renamed, UserName=name)
    assert refused(ann.list_users)[0] == "AccessDenied"


def test_the_default_version_is_the_one_in_force(iam, person, managed):
    name, client = person()
    ann, arn = client(), managed(allow(LOOK))
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("logs:*")))
    assert ann.list_users()["Users"]
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert refused(ann.list_users)[0] == "AccessDenied"


@pytest.mark.parametrize("how", ["delete", "deactivate"])
def test_a_key_that_is_gone_is_refused_at_once(iam, person, how):
    name, client = person()
    ann = client("sts")
    assert ann.get_caller_identity()["Arn"].endswith(name)
    if how == "delete":
        iam.delete_access_key(UserName=name, AccessKeyId=client.key)
    else:
        iam.update_access_key(UserName=name, AccessKeyId=client.key, Status="Inactive")
    assert refused(ann.get_caller_identity)[0] == "InvalidClientTokenId"
    if how == "deactivate":
        iam.update_access_key(UserName=name, AccessKeyId=client.key, Status="Active")
        assert ann.get_caller_identity()["Arn"].endswith(name)


def test_a_renamed_user_keeps_key_policies_and_trust(cloud, iam, person, fresh):
    name, client = person()
    iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy(allow("sts:AssumeRole")))
    role = fresh("role")
    iam.create_role(
        RoleName=role, AssumeRolePolicyDocument=trust(AWS=f"arn:aws:iam::{cloud.account}:user/{name}")
    )
    new = fresh("person")
    iam.update_user(UserName=name, NewUserName=new, NewPath="/moved/")
    arn = f"arn:aws:iam::{cloud.account}:user/moved/{new}"
    assert client("sts").get_caller_identity()["Arn"] == arn
    document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"] == {"AWS": arn}
    taken = client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{cloud.account}:role/{role}", RoleSessionName="drill"
    )
    assert taken["AssumedRoleUser"]["Arn"].endswith(f"{role}/drill")


@pytest.mark.parametrize("written", ["arn", "list", "escaped"])
def test_a_user_made_anew_under_an_old_name_is_not_trusted(cloud, iam, person, fresh, written):
    name, client = person()
    role, arn = fresh("role"), f"arn:aws:iam::{cloud.account}:user/{name}"
    identity = iam.get_user(UserName=name)["User"]["UserId"]
    document = trust(AWS=[arn] if written == "list" else arn)
    if written == "escaped":
        document = document.replace("user/", "user\\/")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
    iam.delete_access_key(UserName=name, AccessKeyId=client.key)
    iam.delete_user(UserName=name)
    document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"]["AWS"] in (identity, [identity])
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy(allow("sts:*")))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    sts = cloud.client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    asked = {"RoleArn": f"arn:aws:iam::{cloud.account}:role/{role}", "RoleSessionName": "drill"}
    assert refused(sts.assume_role, **asked)[0] == "AccessDenied"


def test_a_role_may_what_its_policies_say_until_it_is_deleted(cloud, iam, person, fresh):
    name, client = person()
    iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy(allow("sts:AssumeRole")))
    role = fresh("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(AWS=cloud.account))
    iam.put_role_policy(RoleName=role, PolicyName="look", PolicyDocument=policy(allow(LOOK)))
    given = client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{cloud.account}:role/{role}", RoleSessionName="drill"
    )
    session = cloud.client_as("iam", given["Credentials"])
    assert session.list_users()["Users"]
    assert refused(client().list_users)[0] == "AccessDenied"
    iam.delete_role_policy(RoleName=role, PolicyName="look")
    assert refused(session.list_users)[0] == "AccessDenied"
    iam.delete_role(RoleName=role)
    assert refused(session.list_users)[0] == "InvalidClientTokenId"


def test_the_trust_policy_can_be_changed(cloud, iam, person, fresh):
    name, client = person()
    iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy(allow("sts:AssumeRole")))
    role = fresh("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    asked = {"RoleArn": f"arn:aws:iam::{cloud.account}:role/{role}", "RoleSessionName": "drill"}
    assert refused(client("sts").assume_role, **asked)[0] == "AccessDenied"
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust(AWS=cloud.account))
    assert client("sts").assume_role(**asked)["Credentials"]


@pytest.mark.parametrize(
    ("resource", "may"),
    [
        ("arn:aws:iam::{account}:user/team/${{aws:username}}", True),
        ("arn:aws:iam::{account}:user/${{aws:username}}", False),
        ("arn:aws:iam::{account}:user/other/*", False),
    ],
)
def test_paths_are_part_of_the_resource(cloud, iam, person, resource, may):
    name, client = person(path="/team/")
    document = policy(allow("iam:GetUser", resource.format(account=cloud.account)))
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    if may:
        assert client().get_user()["User"]["Path"] == "/team/"
    else:
        assert refused(client().get_user)[0] == "AccessDenied"


@pytest.mark.parametrize(("attached", "may"), [("logs", True), ("iam", False)])
def test_the_policy_that_is_attached_can_be_a_condition(iam, person, managed, attached, may):
    name, client = person()
    target, _ = person()
    logs, everything = managed(allow("logs:*"), Path="/safe/"), managed(allow("iam:*"))
    condition = {"ArnLike": {"iam:PolicyARN": "arn:aws:iam::*:policy/safe/*"}}
    iam.put_user_policy(
        UserName=name,
        PolicyName="delegate",
        PolicyDocument=policy(allow("iam:AttachUserPolicy", Condition=condition)),
    )
    arn = logs if attached == "logs" else everything
    if may:
        client().attach_user_policy(UserName=target, PolicyArn=arn)
    else:
        assert refused(client().attach_user_policy, UserName=target, PolicyArn=arn)[0] == "AccessDenied"


def test_users_can_be_made_only_within_a_boundary(iam, person, managed, fresh):
    name, client = person()
    boundary = managed(allow("logs:*"))
    condition = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    iam.put_user_policy(
        UserName=name,
        PolicyName="delegate",
        PolicyDocument=policy(allow("iam:CreateUser", Condition=condition)),
    )
    assert refused(client().create_user, UserName=fresh("made"))[0] == "AccessDenied"
    made = client().create_user(UserName=fresh("made"), PermissionsBoundary=boundary)["User"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary


@pytest.mark.parametrize(("tags", "may"), [({"team": "red"}, True), ({"team": "blue"}, False), ({}, False)])
def test_tags_of_request_and_resource_can_be_conditions(iam, person, fresh, tags, may):
    name, client = person()
    iam.put_user_policy(
        UserName=name,
        PolicyName="red",
        PolicyDocument=policy(
            allow("iam:CreateUser", Condition={"StringEquals": {"aws:RequestTag/team": "red"}}),
            allow("iam:GetUser", Condition={"StringEquals": {"iam:ResourceTag/team": "red"}}),
        ),
    )
    made = fresh("made")
    given = [{"Key": key, "Value": value} for key, value in tags.items()]
    if may:
        client().create_user(UserName=made, Tags=given)
        assert client().get_user(UserName=made)["User"]["Tags"] == given
    else:
        assert refused(client().create_user, UserName=made, Tags=given)[0] == "AccessDenied"
        iam.create_user(UserName=made, Tags=given)
        assert refused(client().get_user, UserName=made)[0] == "AccessDenied"


def test_a_role_is_passed_only_by_those_who_may(cloud, iam, person, fresh):
    name, client = person()
    role, profile = fresh("role"), fresh("profile")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    iam.create_instance_profile(InstanceProfileName=profile)
    asked = {"InstanceProfileName": profile, "RoleName": role}
    iam.put_user_policy(
        UserName=name, PolicyName="a", PolicyDocument=policy(allow("iam:AddRoleToInstanceProfile"))
    )
    code, message = refused(client().add_role_to_instance_profile, **asked)
    assert code == "AccessDenied"
    assert f"iam:PassRole on resource: arn:aws:iam::{cloud.account}:role/{role}" in message
    iam.put_user_policy(UserName=name, PolicyName="b", PolicyDocument=policy(allow("iam:PassRole")))
    client().add_role_to_instance_profile(**asked)


def test_a_state_survives_a_failed_call(iam, fresh):
    name = fresh("group")
    iam.create_group(GroupName=name)
    assert refused(iam.update_group, GroupName=name, NewPath="/x")[0] == "ValidationError"
    assert iam.get_group(GroupName=name)["Group"]["Path"] == "/"


@pytest.mark.parametrize("who", ["user", "root", "federated"])
def test_sessions_without_a_second_factor_may_not_use_iam(cloud, iam, person, who):
    name, client = person()
    everything = policy(allow("*"))
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=everything)
    assert client().list_users()["Users"]
    sts = cloud.client("sts") if who == "root" else client("sts")
    given = (
        sts.get_federation_token(Name="guest", Policy=everything)
        if who == "federated"
        else sts.get_session_token()
    )
    assert cloud.client_as("sts", given["Credentials"]).get_caller_identity()["Account"] == cloud.account
    session = cloud.client_as("iam", given["Credentials"])
    change = {"OldPassword": "Some-thing-1", "NewPassword": "Some-thing-2"}
    assert refused(session.list_users)[0] == "InvalidClientTokenId"
    assert refused(session.change_password, **change)[0] == "InvalidClientTokenId"


def test_root_s_own_keys_have_no_user(cloud, iam):
    (key,) = iam.list_access_keys()["AccessKeyMetadata"]
    assert key["AccessKeyId"] == cloud.access_key_id
    assert "UserName" not in key


def test_a_condition_that_names_a_user_stays_as_it_is(cloud, iam, person, fresh):
    name, client = person()
    role, arn = fresh("role"), f"arn:aws:iam::{cloud.account}:user/{name}"
    condition = {"ArnEquals": {"aws:PrincipalArn": arn}}
    document = policy(
        {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole", "Condition": condition}
    )
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
    iam.delete_access_key(UserName=name, AccessKeyId=client.key)
    iam.delete_user(UserName=name)
    kept = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert kept["Condition"] == condition
    assert kept["Principal"]["AWS"].startswith("AIDA")
