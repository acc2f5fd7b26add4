"""Users as their operations' documentation describes them: names, paths, listing, conflicts."""

import datetime as dt

import pytest

from coldframe.identity.accounts import create_access_key, create_account
from tests.services.iam.asking import allow, policy, refused


def test_a_new_user_is_described_whole(cloud, iam, fresh):
    name = fresh("user")
    made = iam.create_user(UserName=name, Path="/a/b/", Tags=[{"Key": "team", "Value": "red"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{cloud.account}:user/a/b/{name}"
    assert made["UserId"].startswith("AIDA")
    assert len(made["UserId"]) == 21
    assert made["Tags"] == [{"Key": "team", "Value": "red"}]
    assert isinstance(made["CreateDate"], dt.datetime)
    assert iam.get_user(UserName=name)["User"] == made


def test_without_a_name_the_caller_is_meant(cloud, iam, person):
    name, client = person()
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(allow("iam:GetUser")))
    assert client().get_user()["User"]["UserName"] == name
    root = iam.get_user()["User"]
    assert (root["Arn"], root["UserId"]) == (f"arn:aws:iam::{cloud.account}:root", cloud.account)


@pytest.mark.parametrize("taken", [str, str.upper, str.title])
def test_names_are_unique_whatever_their_case(iam, fresh, taken):
    name = fresh("user")
    iam.create_user(UserName=name, Path="/one/")
    assert refused(iam.create_user, UserName=taken(name)) == (
        "EntityAlreadyExists",
        f"User with name {taken(name)} already exists.",
    )


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"UserName": "a b"}, "ValidationError", "value for userName is invalid"),
        ({"UserName": "x" * 65}, "ValidationError", "length less than or equal to 64"),
        ({"UserName": "ok", "Path": "/open"}, "ValidationError", "path"),
        ({"UserName": "ok", "Path": "none/"}, "ValidationError", "path"),
        (
            {"UserName": "ok", "PermissionsBoundary": "arn:aws:iam::aws:policy/Ghost"},
            "NoSuchEntity",
            "Policy arn:aws:iam::aws:policy/Ghost does not exist or is not attachable.",
        ),
        (
            {"UserName": "ok", "Tags": [{"Key": "A", "Value": "1"}, {"Key": "a", "Value": "2"}]},
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
    ],
)
def test_bad_input_is_named(iam, parameters, code, words):
    found, message = refused(iam.create_user, **parameters)
    assert found == code
    assert words in message


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_user", {}),
        ("delete_user", {}),
        ("update_user", {"NewPath": "/"}),
        ("create_access_key", {}),
        ("list_access_keys", {}),
        ("list_groups_for_user", {}),
        ("put_user_policy", {"PolicyName": "p", "PolicyDocument": policy(allow("logs:*"))}),
        ("tag_user", {"Tags": [{"Key": "a", "Value": "b"}]}),
    ],
)
def test_a_user_that_is_not_there_is_named(iam, operation, parameters):
    found = refused(getattr(iam, operation), UserName="ghost", **parameters)
    assert found == ("NoSuchEntity", "The user with name ghost cannot be found.")


def test_lists_go_by_name_in_pages_below_a_path(iam, fresh):
    names = [fresh("listed") for _ in range(5)]
    for name in reversed(names):
        iam.create_user(UserName=name, Path="/listed/")
    first = iam.list_users(PathPrefix="/listed/", MaxItems=2)
    assert first["IsTruncated"]
    seen = [user["UserName"] for user in first["Users"]]
    rest = iam.list_users(PathPrefix="/listed/", MaxItems=3, Marker=first["Marker"])
    seen += [user["UserName"] for user in rest["Users"]]
    assert not rest["IsTruncated"]
    assert seen == sorted(names)
    assert "Marker" not in rest
    assert iam.list_users(PathPrefix="/nowhere/")["Users"] == []


def test_a_marker_of_our_own_making_is_refused(iam):
    assert refused(iam.list_users, Marker="made-up")[0] == "ValidationError"


def test_renaming_keeps_who_it_is(iam, fresh):
    name, new = fresh("user"), fresh("user")
    before = iam.create_user(UserName=name)["User"]
    iam.update_user(UserName=name, NewUserName=new, NewPath="/p/")
    after = iam.get_user(UserName=new)["User"]
    assert after["UserId"] == before["UserId"]
    assert after["Path"] == "/p/"
    assert refused(iam.get_user, UserName=name)[0] == "NoSuchEntity"


def test_a_user_may_change_only_the_case_of_its_name(iam, fresh):
    name = fresh("user")
    iam.create_user(UserName=name)
    iam.update_user(UserName=name, NewUserName=name.upper())
    assert iam.get_user(UserName=name.upper())["User"]["UserName"] == name.upper()
    other = fresh("user")
    iam.create_user(UserName=other)
    assert refused(iam.update_user, UserName=other, NewUserName=name)[0] == "EntityAlreadyExists"


@pytest.mark.parametrize(
    ("bind", "loose", "what"),
    [
        (
            lambda iam, name, group: iam.put_user_policy(
                UserName=name, PolicyName="p", PolicyDocument=policy(allow("logs:*"))
            ),
            lambda iam, name, group: iam.delete_user_policy(UserName=name, PolicyName="p"),
            "delete policies",
        ),
        (
            lambda iam, name, group: iam.attach_user_policy(
                UserName=name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
            ),
            lambda iam, name, group: iam.detach_user_policy(
                UserName=name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
            ),
            "detach all policies",
        ),
        (
            lambda iam, name, group: iam.create_access_key(UserName=name),
            lambda iam, name, group: iam.delete_access_key(
                UserName=name,
                AccessKeyId=iam.list_access_keys(UserName=name)["AccessKeyMetadata"][0]["AccessKeyId"],
            ),
            "delete access keys",
        ),
        (
            lambda iam, name, group: iam.add_user_to_group(GroupName=group, UserName=name),
            lambda iam, name, group: iam.remove_user_from_group(GroupName=group, UserName=name),
            "remove users from group",
        ),
        (
            lambda iam, name, group: iam.create_login_profile(UserName=name, Password="Long-enough-1"),
            lambda iam, name, group: iam.delete_login_profile(UserName=name),
            "delete login profile",
        ),
    ],
)
def test_what_a_user_has_goes_first(iam, fresh, bind, loose, what):
    name, group = fresh("user"), fresh("group")
    iam.create_user(UserName=name)
    iam.create_group(GroupName=group)
    bind(iam, name, group)
    assert refused(iam.delete_user, UserName=name) == (
        "DeleteConflict",
        f"Cannot delete entity, must {what} first.",
    )
    loose(iam, name, group)
    iam.delete_user(UserName=name)
    assert refused(iam.get_user, UserName=name)[0] == "NoSuchEntity"


def test_a_user_has_two_access_keys_at_most(iam, fresh):
    name = fresh("user")
    iam.create_user(UserName=name)
    keys = [iam.create_access_key(UserName=name)["AccessKey"] for _ in range(2)]
    assert all(len(key["SecretAccessKey"]) == 40 and key["Status"] == "Active" for key in keys)
    assert refused(iam.create_access_key, UserName=name) == (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    listed = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert {key["AccessKeyId"] for key in listed} == {key["AccessKeyId"] for key in keys}
    assert all("SecretAccessKey" not in key for key in listed)


def test_a_key_belongs_to_its_user(iam, fresh):
    one, two = fresh("user"), fresh("user")
    for name in (one, two):
        iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=one)["AccessKey"]["AccessKeyId"]
    for operation, more in ((iam.delete_access_key, {}), (iam.update_access_key, {"Status": "Inactive"})):
        found = refused(operation, UserName=two, AccessKeyId=key, **more)
        assert found == ("NoSuchEntity", f"The Access Key with id {key} cannot be found.")
    used = iam.get_access_key_last_used(AccessKeyId=key)
    assert used["UserName"] == one


def test_a_user_is_in_ten_groups_at_most(iam, fresh):
    name = fresh("user")
    iam.create_user(UserName=name)
    groups = [fresh("group") for _ in range(11)]
    for group in groups:
        iam.create_group(GroupName=group)
    for group in groups[:10]:
        iam.add_user_to_group(GroupName=group, UserName=name)
    iam.add_user_to_group(GroupName=groups[0], UserName=name)
    assert refused(iam.add_user_to_group, GroupName=groups[10], UserName=name) == (
        "LimitExceeded",
        "Cannot exceed quota for GroupsPerUser: 10",
    )
    listed = iam.list_groups_for_user(UserName=name)["Groups"]
    assert {group["GroupName"] for group in listed} == set(groups[:10])
    assert [user["UserName"] for user in iam.get_group(GroupName=groups[0])["Users"]] == [name]
    assert refused(iam.delete_group, GroupName=groups[0])[0] == "DeleteConflict"


def test_users_of_one_account_are_none_of_another(cloud, iam, fresh):
    with cloud.installation.store.write() as transaction:
        records = transaction.records("", "")
        create_account(records, account_id="333333333333", name="three", email="3@example.com", now=0)
        key, secret = create_access_key(
            records, cloud.installation.seal, account="333333333333", user="", now=0
        )
    other = cloud.client("iam", aws_access_key_id=key.id, aws_secret_access_key=secret)
    name = fresh("user")
    made = iam.create_user(UserName=name)["User"]
    iam.create_access_key(UserName=name)
    assert other.list_users()["Users"] == []
    assert refused(other.get_user, UserName=name)[0] == "NoSuchEntity"
    own = iam.list_access_keys(UserName=name)["AccessKeyMetadata"][0]["AccessKeyId"]
    assert refused(other.get_access_key_last_used, AccessKeyId=own)[0] == "NoSuchEntity"
    twin = other.create_user(UserName=name)["User"]
    assert twin["UserId"] != made["UserId"]
    assert other.list_access_keys(UserName=name)["AccessKeyMetadata"] == []
    iam.delete_access_key(UserName=name, AccessKeyId=own)
    iam.delete_user(UserName=name)
    assert other.get_user(UserName=name)["User"] == twin
