"""Who may use a key: its policy together with IAM, other accounts, grants, and the condition keys of KMS."""

import contextlib
import json

import pytest
from botocore.exceptions import ClientError

from tests.services.kms.conftest import allow, code, message, policy_of

DENIED = "AccessDeniedException"


def root_of(account):
    return {"AWS": f"arn:aws:iam::{account}:root"}


@pytest.fixture
def everything(server):
    """The statement that lets IAM policies of the account count."""
    return allow("kms:*", Principal=root_of(server.account))


def refused(use):
    with pytest.raises(ClientError) as error:
        use()
    assert code(error) == DENIED
    return message(error)


def test_the_default_policy_lets_iam_decide(server, kms, make, person) -> None:
    key = make()
    policy = kms.get_key_policy(KeyId=key)
    assert policy["PolicyName"] == "default"
    document = json.loads(policy["Policy"])
    assert document["Id"] == "key-default-1"
    assert document["Statement"][0]["Principal"] == root_of(server.account)
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    _, nobody = person()
    text = refused(lambda: nobody().encrypt(KeyId=key, Plaintext=b"x"))
    assert "is not authorized to perform: kms:Encrypt on resource: arn:aws:kms:" in text
    _, somebody = person(allow("kms:Encrypt"))
    somebody().encrypt(KeyId=key, Plaintext=b"x")
    refused(
        lambda: somebody().decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    )


def test_without_the_accounts_statement_iam_does_not_help(kms, make, person) -> None:
    admin, _ = person()
    _, client = person(allow("kms:*"))
    key = make(
        Policy=policy_of(allow("kms:*", Principal={"AWS": admin})), BypassPolicyLockoutSafetyCheck=True
    )
    text = refused(lambda: client().encrypt(KeyId=key, Plaintext=b"x"))
    assert text.endswith("because no resource-based policy allows the kms:Encrypt action")
    refused(lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))
    refused(lambda: kms.describe_key(KeyId=key))


def test_the_key_policy_alone_is_enough_in_its_account(server, kms, make, person, everything) -> None:
    user, client = person()
    key = make(Policy=policy_of(everything, allow("kms:Encrypt", Principal={"AWS": user})))
    client().encrypt(KeyId=key, Plaintext=b"x")
    refused(lambda: client().describe_key(KeyId=key))
    deny = {**allow("kms:Encrypt", Principal={"AWS": user}), "Effect": "Deny"}
    kms.put_key_policy(KeyId=key, Policy=policy_of(everything, deny))
    text = refused(lambda: client().encrypt(KeyId=key, Plaintext=b"x"))
    assert "with an explicit deny in a resource-based policy" in text


def test_nobody_locks_himself_out_by_mistake(server, kms, make, person, everything) -> None:
    user, _ = person()
    key, closed = make(), policy_of(allow("kms:Encrypt", Principal={"AWS": user}))
    with pytest.raises(ClientError) as error:
        kms.put_key_policy(KeyId=key, Policy=closed)
    assert (code(error), message(error)) == (
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
    )
    for wrong in (
        "{}",
        "nonsense",
        policy_of(everything, allow("kms:*", Principal={"AWS": f"arn:aws:iam::{server.account}:user/gone"})),
    ):
        with pytest.raises(ClientError) as error:
            kms.put_key_policy(KeyId=key, Policy=wrong)
        assert code(error) == "MalformedPolicyDocumentException"
    kms.put_key_policy(KeyId=key, Policy=closed, BypassPolicyLockoutSafetyCheck=True)
    refused(lambda: kms.get_key_policy(KeyId=key))


def test_conditions_on_the_encryption_context(kms, make, person, everything) -> None:
    user, client = person()
    when = {"StringEquals": {"kms:EncryptionContext:stage": "test"}}
    key = make(
        Policy=policy_of(
            everything, allow("kms:Encrypt", "kms:ReEncrypt*", Principal={"AWS": user}, Condition=when)
        )
    )
    client().encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"stage": "test", "more": "1"})
    refused(lambda: client().encrypt(KeyId=key, Plaintext=b"x"))
    refused(lambda: client().encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"stage": "prod"}))
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"stage": "test"})["CiphertextBlob"]
    moving = {"CiphertextBlob": blob, "SourceEncryptionContext": {"stage": "test"}, "DestinationKeyId": key}
    refused(lambda: client().re_encrypt(**moving))
    client().re_encrypt(**moving, DestinationEncryptionContext={"stage": "test"})


def test_conditions_on_the_key(kms, make, person) -> None:
    blue, red = make(Tags=[{"TagKey": "colour", "TagValue": "blue"}]), make()
    kms.create_alias(AliasName="alias/red", TargetKeyId=red)
    _, by_tag = person(allow("kms:Encrypt", Condition={"StringEquals": {"aws:ResourceTag/colour": "blue"}}))
    by_tag().encrypt(KeyId=blue, Plaintext=b"x")
    refused(lambda: by_tag().encrypt(KeyId=red, Plaintext=b"x"))
    _, by_alias = person(
        allow("kms:Encrypt", Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/red"}})
    )
    by_alias().encrypt(KeyId=red, Plaintext=b"x")
    refused(lambda: by_alias().encrypt(KeyId=blue, Plaintext=b"x"))


def test_an_alias_takes_permission_on_the_key_too(server, make, person, arn) -> None:
    key, alias = make(), f"arn:aws:kms:us-east-1:{server.account}:alias/mine"
    _, half = person(allow("kms:CreateAlias", resource=alias))
    refused(lambda: half().create_alias(AliasName="alias/mine", TargetKeyId=key))
    _, whole = person(allow("kms:CreateAlias", resource=[alias, arn(key)]))
    whole().create_alias(AliasName="alias/mine", TargetKeyId=key)


@pytest.fixture(scope="module")
def other(server):
    """Another account and a client in it that may do everything there."""
    organizations = server.client("organizations")
    with contextlib.suppress(organizations.exceptions.AlreadyInOrganizationException):
        organizations.create_organization()
    status = organizations.create_account(Email="other@example.com", AccountName="other")[
        "CreateAccountStatus"
    ]
    while status["State"] == "IN_PROGRESS":
        status = organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])[
            "CreateAccountStatus"
        ]
    iam = server.client("iam")
    iam.create_user(UserName="visitor")
    iam.attach_user_policy(UserName="visitor", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="visitor")["AccessKey"]
    sts = server.client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    role = f"arn:aws:iam::{status['AccountId']}:role/OrganizationAccountAccessRole"
    credentials = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    return status["AccountId"], server.client_as("kms", credentials)


def test_another_account_needs_the_keys_policy(kms, make, arn, everything, other) -> None:
    account, theirs = other
    key = make()
    refused(lambda: theirs.encrypt(KeyId=arn(key), Plaintext=b"x"))
    shared = allow("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", Principal=root_of(account))
    kms.put_key_policy(KeyId=key, Policy=policy_of(everything, shared))
    blob = theirs.encrypt(KeyId=arn(key), Plaintext=b"x")["CiphertextBlob"]
    assert theirs.decrypt(CiphertextBlob=blob)["KeyId"] == arn(key)
    assert theirs.describe_key(KeyId=arn(key))["KeyMetadata"]["Arn"] == arn(key)
    with pytest.raises(ClientError) as error:
        theirs.describe_key(KeyId=key)
    assert code(error) == "NotFoundException"
    kms.put_key_policy(KeyId=key, Policy=policy_of(everything, allow("kms:*", Principal=root_of(account))))
    text = refused(lambda: theirs.disable_key(KeyId=arn(key)))
    assert "because the resource does not exist in this Region" in text


def test_grants_allow_and_end(kms, make, person, arn) -> None:
    key = make()
    user, client = person()
    refused(lambda: client().encrypt(KeyId=key, Plaintext=b"x"))
    made = kms.create_grant(KeyId=key, GranteePrincipal=user, Operations=["Encrypt", "DescribeKey"], Name="n")
    again = kms.create_grant(
        KeyId=key, GranteePrincipal=user, Operations=["Encrypt", "DescribeKey"], Name="n"
    )
    assert again["GrantId"] == made["GrantId"]
    client().encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"], again["GrantToken"]])
    client().encrypt(KeyId=key, Plaintext=b"x")
    client().describe_key(KeyId=key)
    refused(lambda: client().generate_data_key(KeyId=key, KeySpec="AES_256"))
    listed = kms.list_grants(KeyId=key)["Grants"]
    assert [
        (g["GrantId"], g["KeyId"], g["GranteePrincipal"], g["Operations"], g["Name"]) for g in listed
    ] == [(made["GrantId"], arn(key), user, ["Encrypt", "DescribeKey"], "n")]
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    refused(lambda: client().encrypt(KeyId=key, Plaintext=b"x"))
    assert kms.list_grants(KeyId=key)["Grants"] == []
    with pytest.raises(ClientError) as error:
        client().encrypt(KeyId=key, Plaintext=b"x", GrantTokens=["nonsense"])
    assert code(error) in {DENIED, "InvalidGrantTokenException"}


@pytest.mark.parametrize("kind", ["EncryptionContextEquals", "EncryptionContextSubset"])
def test_constraints_of_grants(kms, make, person, kind) -> None:
    key = make()
    user, client = person()
    kms.create_grant(
        KeyId=key,
        GranteePrincipal=user,
        Operations=["GenerateDataKey", "Decrypt", "DescribeKey"],
        Constraints={kind: {"stage": "test", "Team": "a"}},
    )

    def ask(**context):
        return client().generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)

    ask(stage="test", Team="a")
    client().describe_key(KeyId=key)
    refused(lambda: ask(stage="test"))
    # Case counts in the values of a grant's constraint, and not in its keys (GrantConstraints in the model).
    ask(Stage="test", TEAM="a")
    refused(lambda: ask(stage="test", Team="A"))
    refused(
        lambda: (
            ask(stage="test", team="a", Team="b") if kind.endswith("Equals") else ask(stage="test", Team="b")
        )
    )
    refused(lambda: client().generate_data_key(KeyId=key, KeySpec="AES_256"))
    if kind == "EncryptionContextEquals":
        refused(lambda: ask(stage="test", Team="a", more="1"))
    else:
        ask(stage="test", Team="a", more="1")


def test_a_grant_passes_on_no_more_than_it_has(kms, make, person) -> None:
    key = make()
    user, client = person()
    second, second_client = person()
    kms.create_grant(
        KeyId=key,
        GranteePrincipal=user,
        Operations=["Encrypt", "CreateGrant"],
        Constraints={"EncryptionContextSubset": {"a": "1"}},
    )
    more = {"KeyId": key, "GranteePrincipal": second}
    strict = {"EncryptionContextSubset": {"a": "1", "b": "2"}}
    refused(lambda: client().create_grant(**more, Operations=["Encrypt", "Decrypt"], Constraints=strict))
    refused(lambda: client().create_grant(**more, Operations=["Encrypt"]))
    client().create_grant(**more, Operations=["Encrypt"], Constraints=strict)
    second_client().encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1", "b": "2"})
    refused(lambda: second_client().encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1"}))


def test_who_retires_a_grant(kms, make, person) -> None:
    key = make()
    grantee, grantee_client = person()
    retiring, retiring_client = person()
    made = [
        kms.create_grant(
            KeyId=key, GranteePrincipal=grantee, RetiringPrincipal=retiring, Operations=operations
        )
        for operations in (["Encrypt"], ["Encrypt", "RetireGrant"])
    ]
    listed = kms.list_retirable_grants(RetiringPrincipal=retiring)["Grants"]
    assert {grant["GrantId"] for grant in listed} == {grant["GrantId"] for grant in made}
    refused(lambda: grantee_client().retire_grant(GrantToken=made[0]["GrantToken"]))
    grantee_client().retire_grant(GrantToken=made[1]["GrantToken"])
    with pytest.raises(ClientError) as error:
        retiring_client().retire_grant(KeyId=key, GrantId=made[0]["GrantId"], DryRun=True)
    assert code(error) == "DryRunOperationException"
    retiring_client().retire_grant(KeyId=key, GrantId=made[0]["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []


@pytest.mark.parametrize("member", ["GranteePrincipal", "RetiringPrincipal"])
def test_a_grant_to_nobody_is_refused(kms, make, person, member) -> None:
    key = make()
    user, _ = person()
    names = {"GranteePrincipal": user, "RetiringPrincipal": user, member: f"{user}-gone"}
    with pytest.raises(ClientError) as error:
        kms.create_grant(KeyId=key, Operations=["Encrypt"], **names)
    assert code(error) == "InvalidArnException"
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_grants_that_fit_no_key(kms, make, person) -> None:
    user, _ = person()
    symmetric, signing = make(), make(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    for key, operations, more in (
        (symmetric, ["Sign"], {}),
        (signing, ["GenerateDataKey"], {}),
        (signing, ["Sign"], {"Constraints": {"EncryptionContextEquals": {"a": "1"}}}),
    ):
        with pytest.raises(ClientError) as error:
            kms.create_grant(KeyId=key, GranteePrincipal=user, Operations=operations, **more)
        assert code(error) == "ValidationException"
    with pytest.raises(ClientError) as error:
        kms.revoke_grant(KeyId=symmetric, GrantId="0" * 64)
    assert code(error) == "InvalidGrantIdException"
