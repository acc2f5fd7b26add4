"""Keys: made, described, listed, switched, tagged, called by aliases, destroyed."""

import re
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from coldframe.services.kms.jobs import keep_keys
from coldframe.services.kms.usage import Usage
from tests.services.kms.conftest import code, message

DAY = 86400


def test_a_key_without_any_choice_is_symmetric(server, kms) -> None:
    made = kms.create_key()["KeyMetadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["KeyId"])
    assert made["Arn"] == f"arn:aws:kms:us-east-1:{server.account}:key/{made['KeyId']}"
    wanted = {
        "AWSAccountId": server.account,
        "Enabled": True,
        "Description": "",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    assert wanted.items() <= made.items()
    assert kms.describe_key(KeyId=made["Arn"])["KeyMetadata"] == made


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"KeySpec": "RSA_2048"}, "You must specify a KeyUsage value"),
        ({"KeySpec": "HMAC_256", "KeyUsage": "SIGN_VERIFY"}, "is not compatible with KeySpec HMAC_256"),
        ({"KeySpec": "ECC_NIST_P256", "KeyUsage": "ENCRYPT_DECRYPT"}, "is not compatible"),
        ({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048"}, "CustomerMasterKeySpec is deprecated"),
    ],
)
def test_spec_and_usage_must_fit(kms, request_, text) -> None:
    with pytest.raises(ClientError) as error:
        kms.create_key(**request_)
    assert code(error) == "ValidationException"
    assert text in message(error)


def test_names_that_are_no_key(kms, arn) -> None:
    missing = "0a1b2c3d-0000-4000-8000-000000000000"
    for name, wanted, text in (
        (missing, "NotFoundException", f"Key '{arn(missing)}' does not exist"),
        ("nonsense", "NotFoundException", "Invalid keyId 'nonsense'"),
        (arn(missing).replace("us-east-1", "eu-west-1"), "NotFoundException", "Invalid arn eu-west-1"),
        ("alias/nobody", "NotFoundException", "alias/nobody is not found."),
        ("arn:aws:kms:nonsense", "InvalidArnException", "Invalid arn"),
    ):
        with pytest.raises(ClientError) as error:
            kms.describe_key(KeyId=name)
        assert (code(error), text in message(error)) == (wanted, True), name


def test_listing_pages_by_limit_and_marker(kms, make) -> None:
    made = {make() for _ in range(5)}
    found, marker = [], {}
    while True:
        page = kms.list_keys(Limit=2, **marker)
        assert len(page["Keys"]) <= 2
        found += [key["KeyId"] for key in page["Keys"]]
        if not page["Truncated"]:
            assert "NextMarker" not in page
            break
        marker = {"Marker": page["NextMarker"]}
    assert made <= set(found)
    assert found == sorted(set(found))
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    assert [key["KeyId"] for page in pages for key in page["Keys"]] == found
    with pytest.raises(ClientError) as error:
        kms.list_keys(Marker="nonsense")
    assert code(error) == "InvalidMarkerException"


def test_a_disabled_key_is_of_no_use(kms, make, arn) -> None:
    key = make()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    for use in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    ):
        with pytest.raises(ClientError) as error:
            use()
        assert (code(error), message(error)) == ("DisabledException", f"{arn(key)} is disabled.")
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_aliases_name_keys(server, kms, make) -> None:
    first, second = make(), make()
    kms.create_alias(AliasName="alias/one", TargetKeyId=first)
    assert kms.describe_key(KeyId="alias/one")["KeyMetadata"]["KeyId"] == first
    alias_arn = f"arn:aws:kms:us-east-1:{server.account}:alias/one"
    assert kms.describe_key(KeyId=alias_arn)["KeyMetadata"]["KeyId"] == first
    blob = kms.encrypt(KeyId="alias/one", Plaintext=b"x")["CiphertextBlob"]
    kms.update_alias(AliasName="alias/one", TargetKeyId=second)
    assert kms.describe_key(KeyId="alias/one")["KeyMetadata"]["KeyId"] == second
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    with pytest.raises(ClientError) as error:
        kms.decrypt(CiphertextBlob=blob, KeyId="alias/one")
    assert code(error) == "IncorrectKeyException"
    found = kms.list_aliases(KeyId=second)["Aliases"]
    assert [(a["AliasName"], a["AliasArn"], a["TargetKeyId"]) for a in found] == [
        ("alias/one", alias_arn, second)
    ]
    with pytest.raises(ClientError) as error:
        kms.create_alias(AliasName="alias/one", TargetKeyId=first)
    assert (code(error), message(error)) == (
        "AlreadyExistsException",
        f"An alias with the name {alias_arn} already exists",
    )
    kms.delete_alias(AliasName="alias/one")
    with pytest.raises(ClientError) as error:
        kms.delete_alias(AliasName="alias/one")
    assert code(error) == "NotFoundException"


def test_alias_names_have_rules(kms, make) -> None:
    key = make()
    for name, wanted in (
        ("one", "ValidationException"),
        ("alias/aws/mine", "NotAuthorizedException"),
        ("alias/a:b", "ValidationException"),
    ):
        with pytest.raises(ClientError) as error:
            kms.create_alias(AliasName=name, TargetKeyId=key)
        assert code(error) == wanted, name
    kms.create_alias(AliasName="alias/target", TargetKeyId=key)
    with pytest.raises(ClientError) as error:
        kms.create_alias(AliasName="alias/two", TargetKeyId="alias/target")
    assert message(error) == "Aliases must refer to keys. Not aliases"
    signing = make(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with pytest.raises(ClientError) as error:
        kms.update_alias(AliasName="alias/target", TargetKeyId=signing)
    assert code(error) == "ValidationException"


def test_tags_and_description(kms, make) -> None:
    key = make(Tags=[{"TagKey": "a", "TagValue": "1"}], Description="first")
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "b", "TagValue": "2"}, {"TagKey": "a", "TagValue": "3"}])
    assert kms.list_resource_tags(KeyId=key, Limit=1)["Truncated"] is True
    kms.untag_resource(KeyId=key, TagKeys=["b"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "3"}]
    kms.update_key_description(KeyId=key, Description="second")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "second"
    for tags in ([{"TagKey": "aws:x", "TagValue": ""}], [{"TagKey": "x", "TagValue": ""}] * 2):
        with pytest.raises(ClientError) as error:
            kms.tag_resource(KeyId=key, Tags=tags)
        assert code(error) == "TagException"


def test_deletion_waits_and_then_destroys(server, kms, make, arn) -> None:
    key = make()
    kms.create_alias(AliasName="alias/doomed", TargetKeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with pytest.raises(ClientError) as error:
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=6)
    assert code(error) == "ValidationException"
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]) == (
        arn(key),
        "PendingDeletion",
        7,
    )
    assert abs(answer["DeletionDate"].timestamp() - server.clock.seconds() - 7 * DAY) < 60
    for use in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.enable_key(KeyId=key),
        lambda: kms.schedule_key_deletion(KeyId=key),
        lambda: kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}]),
    ):
        with pytest.raises(ClientError) as error:
            use()
        assert (code(error), message(error)) == (
            "KMSInvalidStateException",
            f"{arn(key)} is pending deletion.",
        )
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    server.clock.advance(7 * DAY + 1)
    with pytest.raises(ClientError) as error:
        kms.describe_key(KeyId=key)
    assert code(error) == "NotFoundException"
    keep_keys(server.installation)
    with pytest.raises(ClientError) as error:
        kms.cancel_key_deletion(KeyId=key)
    assert code(error) == "NotFoundException"
    with pytest.raises(ClientError) as error:
        kms.describe_key(KeyId="alias/doomed")
    assert code(error) == "NotFoundException"
    rows = _rows_about(server, key)
    assert rows == {}, "nothing of the key is left, its material least of all"


def _rows_about(server, key_id):
    """Rows of each of KMS's tables that name the key."""
    found = {}
    with server.installation.store.read() as transaction:
        for table in ("kms_keys", "kms_key_materials", "kms_aliases", "kms_grants"):
            rows = transaction.run(f"SELECT _body FROM {table} WHERE _body LIKE '%{key_id}%'").fetchall()
            if rows:
                found[table] = rows
    return found


def test_last_usage(kms, make) -> None:
    key = make()
    assert "KeyLastUsage" not in kms.get_key_last_usage(KeyId=key)
    kms.encrypt(KeyId=key, Plaintext=b"x")
    assert kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]["Operation"] == "Encrypt"


def test_a_use_that_is_being_written_is_not_lost_from_sight(server, kms, make) -> None:
    key = make()
    kms.encrypt(KeyId=key, Plaintext=b"x")
    usage, asked = server.installation.parts.get(Usage), []

    class Watched:
        """The store, which is asked for the use before it is written and when it has just been."""

        cached = staticmethod(server.installation.store.cached)

        @contextmanager
        def write(self):
            asked.append(kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]["Operation"])
            with server.installation.store.write() as transaction:
                yield transaction
            asked.append(kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]["Operation"])

    store, usage._store = usage._store, Watched()
    try:
        usage.flush()
    finally:
        usage._store = store
    asked.append(kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]["Operation"])
    assert asked == ["Encrypt"] * 3


def test_describing_the_alias_of_an_aws_managed_key_makes_it(server, kms) -> None:
    made = kms.describe_key(KeyId="alias/aws/rds")["KeyMetadata"]
    assert (made["KeyManager"], made["KeyState"]) == ("AWS", "Enabled")
    assert kms.describe_key(KeyId="alias/aws/rds")["KeyMetadata"] == made
    assert kms.get_key_rotation_status(KeyId=made["KeyId"])["KeyRotationEnabled"] is True
    for use in (
        lambda: kms.encrypt(KeyId="alias/aws/rds", Plaintext=b"x"),
        lambda: kms.schedule_key_deletion(KeyId=made["KeyId"]),
        lambda: kms.put_key_policy(
            KeyId=made["KeyId"], Policy=kms.get_key_policy(KeyId=made["KeyId"])["Policy"]
        ),
    ):
        with pytest.raises(ClientError) as error:
            use()
        assert code(error) == "AccessDeniedException"
    with pytest.raises(ClientError) as error:
        kms.encrypt(KeyId="alias/aws/ebs", Plaintext=b"x")
    assert code(error) == "NotFoundException"
