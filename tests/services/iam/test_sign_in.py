"""Passwords, the rules for them, and MFA devices."""

import base64

import pytest

from coldframe.identity.one_time_codes import STEP, code
from coldframe.identity.records import User
from tests.services.iam.asking import allow, policy, refused

GOOD, BETTER = "Long-enough-1", "Longer-still-22"


@pytest.fixture
def rules(iam):
    """Sets the account's rules for one test."""
    yield iam.update_account_password_policy
    if _rules(iam):
        iam.delete_account_password_policy()


def _rules(iam):
    try:
        return iam.get_account_password_policy()
    except iam.exceptions.NoSuchEntityException:
        return {}


def test_a_password_is_kept_as_a_hash(cloud, iam, person):
    name, _ = person()
    made = iam.create_login_profile(UserName=name, Password=GOOD, PasswordResetRequired=True)["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"]) == (name, True)
    assert refused(iam.create_login_profile, UserName=name, Password=GOOD) == (
        "EntityAlreadyExists",
        f"Login Profile for user {name} already exists.",
    )
    stored = cloud.installation.store.cached(User, cloud.account, "", name)
    assert GOOD not in repr(stored)
    assert len(stored.password_hash.partition("$")[2]) == 128
    iam.update_login_profile(UserName=name, PasswordResetRequired=False)
    assert iam.get_login_profile(UserName=name)["LoginProfile"]["PasswordResetRequired"] is False
    iam.delete_login_profile(UserName=name)
    assert refused(iam.get_login_profile, UserName=name) == (
        "NoSuchEntity",
        f"Login Profile for User {name} cannot be found.",
    )


@pytest.mark.parametrize("password", ["Short-1", "onlylowercaseletters", "lower-and-symbols"])
def test_without_rules_iam_s_own_hold(iam, person, password):
    name, _ = person()
    code, _ = refused(iam.create_login_profile, UserName=name, Password=password)
    assert code == "PasswordPolicyViolation"
    iam.create_login_profile(UserName=name, Password=GOOD)


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        ({"MinimumPasswordLength": 12}, "short", "longer-than-that"),
        ({"RequireNumbers": True}, "letters", "letter5"),
        ({"RequireSymbols": True}, "letters", "letter$"),
        ({"RequireUppercaseCharacters": True}, "letters", "Letters"),
        ({"RequireLowercaseCharacters": True}, "LETTERS", "LETTERs"),
    ],
)
def test_rules_hold_for_the_next_password(iam, person, rules, rule, bad, good):
    name, _ = person()
    rules(**rule)
    assert refused(iam.create_login_profile, UserName=name, Password=bad)[0] == "PasswordPolicyViolation"
    iam.create_login_profile(UserName=name, Password=good)


def test_rules_are_set_as_a_whole(cloud, iam, rules):
    missing = f"The Password Policy with domain name {cloud.account} cannot be found."
    assert refused(iam.get_account_password_policy) == ("NoSuchEntity", missing)
    rules(MaxPasswordAge=90, RequireSymbols=True)
    rules(PasswordReusePrevention=3)
    found = iam.get_account_password_policy()["PasswordPolicy"]
    assert found == {
        "MinimumPasswordLength": 6,
        "RequireSymbols": False,
        "RequireNumbers": False,
        "RequireUppercaseCharacters": False,
        "RequireLowercaseCharacters": False,
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
        "HardExpiry": False,
        "PasswordReusePrevention": 3,
    }


def test_the_last_passwords_are_not_taken_again(iam, person, rules):
    name, _ = person()
    rules(PasswordReusePrevention=2)
    iam.create_login_profile(UserName=name, Password="first1")
    iam.update_login_profile(UserName=name, Password="second2")
    for old in ("first1", "second2"):
        assert refused(iam.update_login_profile, UserName=name, Password=old)[0] == "PasswordPolicyViolation"
    iam.update_login_profile(UserName=name, Password="third3")
    iam.update_login_profile(UserName=name, Password="first1")


def test_users_change_their_own_password_when_they_may(iam, person, rules):
    name, client = person()
    iam.create_login_profile(UserName=name, Password=GOOD)
    change = {"OldPassword": GOOD, "NewPassword": BETTER}
    assert refused(client().change_password, **change)[0] == "AccessDenied"
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(allow("iam:ChangePassword")))
    wrong = {**change, "OldPassword": "not-the-one-1A"}
    assert refused(client().change_password, **wrong)[0] == "AccessDenied"
    client().change_password(**change)
    iam.delete_user_policy(UserName=name, PolicyName="own")
    rules(AllowUsersToChangePassword=True)
    client().change_password(OldPassword=BETTER, NewPassword=GOOD)
    assert refused(iam.change_password, **change)[0] == "InvalidUserType"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds, expected):
    assert code(b"12345678901234567890", seconds // STEP) == expected


@pytest.mark.parametrize("off", [0, -3, 5])
def test_a_device_is_enabled_by_two_codes_in_a_row(cloud, iam, person, fresh, off):
    name, _ = person()
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=fresh("device"), Path="/p/")[
        "VirtualMFADevice"
    ]
    serial, seed = device["SerialNumber"], base64.b32decode(device["Base32StringSeed"])
    assert serial.startswith(f"arn:aws:iam::{cloud.account}:mfa/p/")
    step = int(cloud.clock.seconds()) // STEP + off
    first, second = code(seed, step), code(seed, step + 1)
    enable = {"UserName": name, "SerialNumber": serial}
    swapped = {**enable, "AuthenticationCode1": second, "AuthenticationCode2": first}
    assert refused(iam.enable_mfa_device, **swapped) == (
        "InvalidAuthenticationCode",
        "Authentication code for device is not valid.",
    )
    assert iam.list_mfa_devices(UserName=name)["MFADevices"] == []
    right = {**enable, "AuthenticationCode1": first, "AuthenticationCode2": second}
    iam.enable_mfa_device(**right)
    assert [one["SerialNumber"] for one in iam.list_mfa_devices(UserName=name)["MFADevices"]] == [serial]
    assert refused(iam.enable_mfa_device, **right)[0] == "EntityAlreadyExists"
    assert refused(iam.delete_virtual_mfa_device, SerialNumber=serial)[0] == "DeleteConflict"
    iam.resync_mfa_device(**right)
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert name in {one["User"]["UserName"] for one in assigned}
    iam.deactivate_mfa_device(**enable)
    assert refused(iam.get_mfa_device, SerialNumber=serial)[0] == "NoSuchEntity"
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert refused(iam.delete_virtual_mfa_device, SerialNumber=serial) == (
        "NoSuchEntity",
        f"VirtualMFADevice with serial number {serial} doesn't exist.",
    )


def test_the_seed_of_a_device_is_never_in_clear(cloud, iam, fresh):
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=fresh("device"))["VirtualMFADevice"]
    seed = base64.b32decode(device["Base32StringSeed"])
    folder = cloud.installation.settings.data_dir
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert seed not in content, path
            assert device["Base32StringSeed"] not in content, path
            assert base64.b64encode(seed) not in content, path
