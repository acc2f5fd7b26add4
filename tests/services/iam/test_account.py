"""The account as a whole: its alias, summary, details, credential report, tags and identity providers."""

import csv
import io
from datetime import datetime

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server
from tests.services.iam.asking import allow, policy, refused, trust

METADATA = (
    '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com"{}>'
    + "<md:IDPSSODescriptor/>" * 60
    + "</md:EntityDescriptor>"
)


def test_an_account_has_one_alias(iam):
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias="first-one")
    iam.create_account_alias(AccountAlias="second-one")
    assert iam.list_account_aliases()["AccountAliases"] == ["second-one"]
    assert refused(iam.delete_account_alias, AccountAlias="first-one")[0] == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias="second-one")
    assert iam.list_account_aliases()["AccountAliases"] == []


@pytest.mark.parametrize("alias", ["-ab", "ab-", "a--b", "Upper", "123456789012"])
def test_an_alias_is_a_name_of_small_letters(iam, alias):
    assert refused(iam.create_account_alias, AccountAlias=alias)[0] == "ValidationError"


def test_the_version_of_session_tokens_is_set(iam):
    for version in (2, 1):
        iam.set_security_token_service_preferences(GlobalEndpointTokenVersion=f"v{version}Token")
        assert iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"] == version


def test_the_summary_counts(iam, fresh):
    before = iam.get_account_summary()["SummaryMap"]
    name = fresh("user")
    iam.create_user(UserName=name)
    iam.create_group(GroupName=fresh("group"))
    iam.create_virtual_mfa_device(VirtualMFADeviceName=fresh("device"))
    document = policy(allow("logs:*"))
    arn = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=document)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document)
    after = iam.get_account_summary()["SummaryMap"]
    grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    assert grown == {"Users": 1, "Groups": 1, "MFADevices": 1, "Policies": 1, "PolicyVersionsInUse": 2}
    assert (after["UsersQuota"], after["AccessKeysPerUserQuota"]) == (5000, 2)
    assert after["AccountAccessKeysPresent"] == 1


def test_the_details_hold_everything(iam, fresh):
    user, group, role, profile = (fresh(word) for word in ("user", "group", "role", "profile"))
    document = policy(allow("logs:*"))
    arn = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=document)["Policy"]["Arn"]
    iam.create_user(UserName=user, Tags=[{"Key": "a", "Value": "b"}])
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.put_group_policy(GroupName=group, PolicyName="g", PolicyDocument=document)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    iam.create_instance_profile(InstanceProfileName=profile)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2})
    whole = pages.build_full_result()
    users = {one["UserName"]: one for one in whole["UserDetailList"]}
    groups = {one["GroupName"]: one for one in whole["GroupDetailList"]}
    roles = {one["RoleName"]: one for one in whole["RoleDetailList"]}
    policies = {one["Arn"]: one for one in whole["Policies"]}
    assert users[user]["GroupList"] == [group]
    assert users[user]["Tags"] == [{"Key": "a", "Value": "b"}]
    assert users[user]["AttachedManagedPolicies"][0]["PolicyName"] == "IAMReadOnlyAccess"
    assert groups[group]["GroupPolicyList"][0]["PolicyDocument"]["Statement"]
    assert roles[role]["InstanceProfileList"][0]["InstanceProfileName"] == profile
    assert roles[role]["AttachedManagedPolicies"][0]["PolicyArn"] == arn
    assert policies[arn]["PolicyVersionList"][0]["Document"]["Statement"][0]["Action"] == "logs:*"
    assert "arn:aws:iam::aws:policy/IAMReadOnlyAccess" in policies
    only = iam.get_account_authorization_details(Filter=["Group", "AWSManagedPolicy"])
    assert only["UserDetailList"] == only["RoleDetailList"] == []
    assert group in {one["GroupName"] for one in only["GroupDetailList"]}
    assert all(one["Arn"].startswith("arn:aws:iam::aws:") for one in only["Policies"])


def test_the_credential_report_has_a_line_for_everybody(cloud, iam, fresh):
    assert refused(iam.get_credential_report)[0] == "ReportNotPresent"
    name = fresh("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    iam.create_access_key(UserName=name)
    iam.create_login_profile(UserName=name, Password="Long-enough-1")
    iam.update_account_password_policy(MaxPasswordAge=10)
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    found = iam.get_credential_report()
    assert found["ReportFormat"] == "text/csv"
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(found["Content"].decode()))}
    assert len(next(iter(rows.values()))) == 22
    root, row = rows["<root_account>"], rows[name]
    assert root["arn"] == f"arn:aws:iam::{cloud.account}:root"
    assert (root["password_enabled"], root["access_key_1_active"]) == ("not_supported", "true")
    # Auditors of others read a date here, or this word.
    assert root["password_last_used"] == "no_information"
    assert datetime.fromisoformat(root["user_creation_time"]) <= datetime.fromisoformat(
        row["user_creation_time"]
    )
    states = {row["access_key_1_active"], row["access_key_2_active"]}
    assert states == {"true", "false"}
    assert (row["password_enabled"], row["mfa_active"]) == ("true", "false")
    assert row["password_next_rotation"] > row["password_last_changed"]
    assert row["cert_1_active"] == "false"
    iam.delete_account_password_policy()


def test_a_report_is_made_anew_after_four_hours_and_dropped_after_seven_days(server, aws, clock):
    iam = aws("iam")
    assert iam.generate_credential_report()["State"] == "STARTED"
    clock.advance(4 * 3600 + 1)
    assert iam.generate_credential_report()["State"] == "STARTED"
    clock.advance(7 * 24 * 3600 + 1)
    assert refused(iam.get_credential_report)[0] == "ReportExpired"


@pytest.fixture
def tagged(iam, fresh, key_pair):
    """Makes a resource of a kind; returns the parameter that names it, and the word its tag operations have."""

    def make(kind):
        if kind == "user":
            return {"UserName": iam.create_user(UserName=fresh("user"))["User"]["UserName"]}
        if kind == "role":
            document = trust(Service="ec2.amazonaws.com")
            made = iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=document)
            return {"RoleName": made["Role"]["RoleName"]}
        if kind == "policy":
            made = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=policy(allow("logs:*")))
            return {"PolicyArn": made["Policy"]["Arn"]}
        if kind == "instance_profile":
            name = fresh("profile")
            iam.create_instance_profile(InstanceProfileName=name)
            return {"InstanceProfileName": name}
        if kind == "mfa_device":
            made = iam.create_virtual_mfa_device(VirtualMFADeviceName=fresh("device"))
            return {"SerialNumber": made["VirtualMFADevice"]["SerialNumber"]}
        if kind == "server_certificate":
            name, (body, key) = fresh("certificate"), key_pair("x.example.com")
            iam.upload_server_certificate(ServerCertificateName=name, CertificateBody=body, PrivateKey=key)
            return {"ServerCertificateName": name}
        if kind == "saml_provider":
            made = iam.create_saml_provider(Name=fresh("saml"), SAMLMetadataDocument=METADATA.format(""))
            return {"SAMLProviderArn": made["SAMLProviderArn"]}
        made = iam.create_open_id_connect_provider(Url=f"https://{fresh('idp')}.example.com")
        return {"OpenIDConnectProviderArn": made["OpenIDConnectProviderArn"]}

    return make


@pytest.mark.parametrize(
    "kind",
    [
        "user",
        "role",
        "policy",
        "instance_profile",
        "mfa_device",
        "saml_provider",
        "open_id_connect_provider",
        "server_certificate",
    ],
)
def test_tags_are_put_on_and_taken_off(iam, tagged, kind):
    who = tagged(kind)
    tag, untag = getattr(iam, f"tag_{kind}"), getattr(iam, f"untag_{kind}")
    listing = getattr(iam, f"list_{kind}_tags")
    tag(**who, Tags=[{"Key": "Team", "Value": "red"}, {"Key": "cost", "Value": ""}])
    tag(**who, Tags=[{"Key": "team", "Value": "blue"}])
    assert listing(**who)["Tags"] == [{"Key": "cost", "Value": ""}, {"Key": "team", "Value": "blue"}]
    assert listing(**who, MaxItems=1)["IsTruncated"]
    untag(**who, TagKeys=["TEAM", "never-there"])
    assert listing(**who)["Tags"] == [{"Key": "cost", "Value": ""}]
    fifty = [{"Key": f"key-{number}", "Value": "v"} for number in range(50)]
    assert refused(tag, **who, Tags=fifty)[0] == "LimitExceeded"
    assert refused(tag, **who, Tags=[{"Key": "aws:x", "Value": "v"}])[0] == "InvalidInput"
    assert listing(**who)["Tags"] == [{"Key": "cost", "Value": ""}]


def test_an_openid_connect_provider_is_named_by_its_address(cloud, iam):
    arn = iam.create_open_id_connect_provider(
        Url="https://token.example.com/path", ClientIDList=["a"], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{cloud.account}:oidc-provider/token.example.com/path"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["1" * 40])
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (found["Url"], found["ClientIDList"]) == ("token.example.com/path", ["b"])
    assert found["ThumbprintList"] == ["1" * 40]
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    again = {"Url": "https://token.example.com/path"}
    assert refused(iam.create_open_id_connect_provider, **again)[0] == "EntityAlreadyExists"
    assert refused(iam.create_open_id_connect_provider, Url="http://x.example.com")[0] == "ValidationError"
    for _ in range(2):
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert refused(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)[0] == "NoSuchEntity"


def test_a_saml_provider_keeps_its_metadata(cloud, iam):
    document = METADATA.format(' validUntil="2031-01-02T03:04:05Z"')
    arn = iam.create_saml_provider(Name="corp", SAMLMetadataDocument=document)["SAMLProviderArn"]
    assert arn == f"arn:aws:iam::{cloud.account}:saml-provider/corp"
    found = iam.get_saml_provider(SAMLProviderArn=arn)
    assert found["SAMLMetadataDocument"] == document
    assert found["ValidUntil"].isoformat().startswith("2031-01-02T03:04:05")
    endless = METADATA.format("")
    iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=endless)
    assert iam.get_saml_provider(SAMLProviderArn=arn)["ValidUntil"].year > 2100
    assert arn in {one["Arn"] for one in iam.list_saml_providers()["SAMLProviderList"]}
    iam.delete_saml_provider(SAMLProviderArn=arn)
    assert refused(iam.get_saml_provider, SAMLProviderArn=arn)[0] == "NoSuchEntity"


@pytest.mark.parametrize(
    "document",
    [
        "x" * 1000,
        "<a>" + "x" * 1000 + "</a>",
        '<!DOCTYPE a [<!ENTITY b "' + "x" * 1000 + '">]><a>&b;</a>',
        METADATA.format(' validUntil="tomorrow"'),
    ],
)
def test_what_is_no_metadata_is_refused(iam, document):
    assert refused(iam.create_saml_provider, Name="bad", SAMLMetadataDocument=document)[0] == "InvalidInput"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("generate_organizations_access_report", {"EntityPath": "o-0123456789/r-abcd"}),
        ("list_delegation_requests", {}),
    ],
)
def test_what_is_not_built_says_so(cloud, iam, operation, parameters):
    asked = {member: text.format(account=cloud.account) for member, text in parameters.items()}
    with pytest.raises(ClientError) as error:
        getattr(iam, operation)(**asked)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "is not built in coldframe" in error.value.response["Error"]["Message"]


def test_a_made_up_account_of_dev_mode_is_one_of_its_own(tmp_path):
    with running_server(tmp_path / "data", dev=True) as server:
        one, two = (
            server.client("iam", aws_access_key_id=account, aws_secret_access_key="x")
            for account in ("111111111111", "222222222222")
        )
        one.create_account_alias(AccountAlias="harbour")
        assert refused(two.create_account_alias, AccountAlias="harbour") == (
            "EntityAlreadyExists",
            "The account alias harbour already exists.",
        )
        one.create_user(UserName="ann")
        assert two.list_users()["Users"] == two.list_account_aliases()["AccountAliases"] == []
        assert one.get_user(UserName="ann")["User"]["Arn"] == "arn:aws:iam::111111111111:user/ann"
