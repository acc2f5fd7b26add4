"""Secrets: made, found by every form of their id, listed, changed, deleted, restored, destroyed."""

import datetime as dt
import re
import uuid

import pytest
from botocore.exceptions import ClientError

from coldframe.services.secretsmanager.jobs import destroy_due
from tests.services.secretsmanager.conftest import code, message

DAY = 86400
GONE = "Secrets Manager can't find the specified secret."
MARKED = "You can't perform this operation on the secret because it was marked for deletion."


def test_a_secret_comes_back(server, secrets, fresh) -> None:
    made = secrets.create_secret(
        Name=fresh, SecretString="käse", Description="d", Tags=[{"Key": "a", "Value": "1"}]
    )
    pattern = f"arn:aws:secretsmanager:us-east-1:{server.account}:secret:{fresh}-[A-Za-z0-9]{{6}}"
    assert re.fullmatch(pattern, made["ARN"])
    assert made["Name"] == fresh
    assert uuid.UUID(made["VersionId"])
    for secret_id in (fresh, made["ARN"], made["ARN"][:-7]):
        found = secrets.get_secret_value(SecretId=secret_id)
        assert (found["SecretString"], found["VersionStages"]) == ("käse", ["AWSCURRENT"])
        assert (found["ARN"], found["Name"], found["VersionId"]) == (made["ARN"], fresh, made["VersionId"])
        assert "SecretBinary" not in found
    about = secrets.describe_secret(SecretId=fresh)
    assert about["VersionIdsToStages"] == {made["VersionId"]: ["AWSCURRENT"]}
    assert (about["Description"], about["Tags"]) == ("d", [{"Key": "a", "Value": "1"}])
    assert "KmsKeyId" not in about
    assert "DeletedDate" not in about
    with pytest.raises(ClientError) as error:
        secrets.get_secret_value(SecretId=made["ARN"][:-6] + "zzzzzz")
    assert (code(error), message(error)) == ("ResourceNotFoundException", GONE)


def test_binary_values_and_none(secrets, fresh) -> None:
    secrets.create_secret(Name=fresh, SecretBinary=b"\0\xff")
    found = secrets.get_secret_value(SecretId=fresh)
    assert found["SecretBinary"] == b"\0\xff"
    assert "SecretString" not in found
    empty = secrets.create_secret(Name=f"{fresh}-empty")
    assert "VersionId" not in empty
    with pytest.raises(ClientError) as error:
        secrets.get_secret_value(SecretId=f"{fresh}-empty")
    assert (code(error), message(error)) == (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    )
    with pytest.raises(ClientError) as error:
        secrets.create_secret(Name=f"{fresh}-both", SecretString="a", SecretBinary=b"a")
    assert code(error) == "InvalidParameterException"


def test_the_same_request_twice_makes_one_secret(secrets, fresh) -> None:
    request = {"Name": fresh, "SecretString": "x", "ClientRequestToken": str(uuid.uuid4())}
    first = secrets.create_secret(**request)
    second = secrets.create_secret(**request)
    assert [answer["ARN"] for answer in (first, second)] == [first["ARN"]] * 2
    for other in ({**request, "SecretString": "y"}, {"Name": fresh, "SecretString": "x"}):
        with pytest.raises(ClientError) as error:
            secrets.create_secret(**other)
        assert code(error) == "ResourceExistsException"
    assert message(error) == f"The operation failed because the secret {fresh} already exists."
    with pytest.raises(ClientError) as error:
        secrets.create_secret(Name="not a name", SecretString="x")
    assert code(error) == "ValidationException"


def test_deleting_and_restoring(server, secrets, fresh) -> None:
    made = secrets.create_secret(Name=fresh, SecretString="x")
    gone = secrets.delete_secret(SecretId=fresh)
    assert abs(gone["DeletionDate"].timestamp() - server.clock.seconds() - 30 * DAY) < 60
    for use in (
        lambda: secrets.get_secret_value(SecretId=fresh),
        lambda: secrets.put_secret_value(SecretId=fresh, SecretString="y"),
        lambda: secrets.update_secret(SecretId=fresh, Description="y"),
        lambda: secrets.list_secret_version_ids(SecretId=fresh),
    ):
        with pytest.raises(ClientError) as error:
            use()
        assert (code(error), message(error)) == ("InvalidRequestException", MARKED)
    with pytest.raises(ClientError) as error:
        secrets.create_secret(Name=fresh, SecretString="x")
    assert message(error) == (
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    )
    assert "DeletedDate" in secrets.describe_secret(SecretId=fresh)
    assert fresh not in [row["Name"] for row in secrets.list_secrets()["SecretList"]]
    listed = secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert fresh in [row["Name"] for row in listed]
    restored = secrets.restore_secret(SecretId=fresh)
    assert restored["ARN"] == made["ARN"]
    assert secrets.get_secret_value(SecretId=fresh)["SecretString"] == "x"


def test_a_secret_is_destroyed_when_its_window_is_over(server, secrets, fresh) -> None:
    first = secrets.create_secret(Name=fresh, SecretString="first")
    secrets.delete_secret(SecretId=fresh, RecoveryWindowInDays=7)
    server.clock.advance(7 * DAY + 60)
    with pytest.raises(ClientError) as error:
        secrets.restore_secret(SecretId=fresh)
    assert message(error) == GONE
    destroy_due(server.installation)
    with server.installation.store.read() as transaction:
        for table in ("secretsmanager_secrets", "secretsmanager_versions"):
            assert transaction.run(f"SELECT * FROM {table} WHERE name = '{fresh}'").fetchall() == []
    second = secrets.create_secret(Name=fresh, SecretString="second")
    assert second["ARN"] != first["ARN"]
    secrets.delete_secret(SecretId=second["ARN"], ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError) as error:
        secrets.describe_secret(SecretId=fresh)
    assert message(error) == GONE
    # Documented: forcing the deletion of what is not there is no error.
    assert secrets.delete_secret(SecretId=fresh, ForceDeleteWithoutRecovery=True)["Name"] == fresh
    with pytest.raises(ClientError) as error:
        secrets.delete_secret(SecretId=fresh)
    assert code(error) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "options",
    [
        {"RecoveryWindowInDays": 6},
        {"RecoveryWindowInDays": 31},
        {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True},
    ],
)
def test_recovery_windows_have_limits(secrets, fresh, options) -> None:
    secrets.create_secret(Name=fresh, SecretString="x")
    with pytest.raises(ClientError) as error:
        secrets.delete_secret(SecretId=fresh, **options)
    assert code(error) == "InvalidParameterException"


def test_listing_filters_sorts_and_pages(server, secrets, fresh) -> None:
    stem = fresh.replace("/", "-")
    for name, description, tag in (
        ("one", "First of all", "red"),
        ("two", "Second", "blue"),
        ("three", "", "red"),
    ):
        secrets.create_secret(
            Name=f"{stem}-{name}", Description=description, Tags=[{"Key": f"k{stem}", "Value": tag}]
        )
        server.clock.advance(1)

    def names(*filters, **more):
        wanted = [{"Key": key, "Values": values} for key, values in (("name", [stem]), *filters)]
        found = secrets.list_secrets(Filters=wanted, **more)["SecretList"]
        return [row["Name"].removeprefix(f"{stem}-") for row in found]

    assert names() == ["three", "two", "one"]
    assert names(SortOrder="asc") == ["one", "two", "three"]
    assert names(SortBy="name", SortOrder="asc") == ["one", "three", "two"]
    assert names(("description", ["first"])) == ["one"]
    assert names(("tag-value", ["red"]), SortOrder="asc") == ["one", "three"]
    assert names(("tag-value", ["Red"])) == []
    assert names(("tag-value", ["!red"])) == ["two"]
    assert names(("tag-key", [f"k{stem}"]), ("all", ["SECOND"])) == ["two"]
    pages = secrets.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [stem]}], PaginationConfig={"PageSize": 2}
    )
    assert [len(page["SecretList"]) for page in pages] == [2, 1]


def test_tags(secrets, fresh) -> None:
    secrets.create_secret(Name=fresh)
    secrets.untag_resource(SecretId=fresh, TagKeys=["a"])
    assert "Tags" not in secrets.describe_secret(SecretId=fresh)
    secrets.tag_resource(SecretId=fresh, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    secrets.untag_resource(SecretId=fresh, TagKeys=["a"])
    assert secrets.describe_secret(SecretId=fresh)["Tags"] == [{"Key": "b", "Value": "2"}]
    secrets.untag_resource(SecretId=fresh, TagKeys=["b"])
    assert secrets.describe_secret(SecretId=fresh)["Tags"] == []
    with pytest.raises(ClientError) as error:
        secrets.tag_resource(SecretId=fresh, Tags=[{"Key": "aws:x", "Value": "1"}])
    assert code(error) == "InvalidParameterException"


def test_the_day_of_the_last_reading_is_told(server, secrets, fresh) -> None:
    secrets.create_secret(Name=fresh, SecretString="x")
    assert "LastAccessedDate" not in secrets.describe_secret(SecretId=fresh)
    secrets.get_secret_value(SecretId=fresh)
    from coldframe.services.secretsmanager.accesses import Accesses

    server.installation.parts.get(Accesses).flush()
    accessed = secrets.describe_secret(SecretId=fresh)["LastAccessedDate"].astimezone(dt.UTC)
    assert accessed.time() == dt.time(0)
    assert accessed.date() == server.clock.now().date()


def test_rotation_needs_a_function(secrets, fresh) -> None:
    secrets.create_secret(Name=fresh, SecretString="x")
    with pytest.raises(ClientError) as error:
        secrets.rotate_secret(SecretId=fresh)
    assert (code(error), message(error)) == (
        "InvalidRequestException",
        "No Lambda rotation function ARN is associated with this secret.",
    )
    with pytest.raises(ClientError) as error:
        secrets.rotate_secret(
            SecretId=fresh, RotationLambdaARN="arn:aws:lambda:us-east-1:123456789012:function:f"
        )
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_service_owns_its_secrets(server, secrets) -> None:
    """What RDS does for a master password: it makes the secret for the caller, who can then only read it."""
    from coldframe.identity.caller import Caller

    account = server.account
    root = Caller(kind="root", arn=f"arn:aws:iam::{account}:root", account=account, user_id=account)
    rds = server.installation.clients("secretsmanager", principal=root, region="us-east-1", via="rds")
    name = "rds!db-0a1b2c3d"
    tag = {"Key": "aws:secretsmanager:owningService", "Value": "rds"}
    rds.create_secret(Name=name, SecretString="one", Tags=[tag])
    about = secrets.describe_secret(SecretId=name)
    assert (about["OwningService"], about["Tags"]) == ("rds", [tag])
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "one"
    for use in (
        lambda: secrets.delete_secret(SecretId=name),
        lambda: secrets.put_secret_value(SecretId=name, SecretString="two"),
        lambda: secrets.create_secret(Name="rds!db-mine", SecretString="x"),
    ):
        with pytest.raises(ClientError):
            use()
    rds.put_secret_value(SecretId=name, SecretString="two")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "two"
    rds.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError) as error:
        secrets.describe_secret(SecretId=name)
    assert code(error) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("one two", {"a", "b"}),
        ("O T", {"a", "b"}),
        ("t", {"a", "b", "d"}),
        ("ne", set()),
        ("one", {"a", "b", "c"}),
    ],
)
def test_a_description_is_found_by_the_beginnings_of_its_words(secrets, fresh, value, found) -> None:
    texts = {"a": "one two", "b": "one and two", "c": "one", "d": "two", "e": "other"}
    for name, text in texts.items():
        secrets.create_secret(Name=f"{fresh}/{name}", SecretString="x", Description=text)
    wanted = [{"Key": "name", "Values": [fresh]}, {"Key": "description", "Values": [value]}]
    listed = secrets.list_secrets(Filters=wanted)["SecretList"]
    assert {each["Name"].rpartition("/")[2] for each in listed} == found


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"Values": ["x"]}, "Invalid filter key"),
        ({"Key": "description"}, "Invalid filter values for key: description"),
    ],
)
def test_a_filter_has_a_key_and_values(secrets, wrong, text) -> None:
    with pytest.raises(secrets.exceptions.InvalidParameterException) as raised:
        secrets.list_secrets(Filters=[wrong])
    assert raised.value.response["Error"]["Message"] == text
