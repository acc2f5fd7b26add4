"""Versions and their labels: AWSPREVIOUS follows AWSCURRENT, and a label is on one version."""

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.services.secretsmanager.conftest import code, message


@pytest.fixture
def made(secrets, fresh):
    """A secret with three versions; its name and their ids, oldest first."""
    ids = [secrets.create_secret(Name=fresh, SecretString="0")["VersionId"]]
    ids += [secrets.put_secret_value(SecretId=fresh, SecretString=text)["VersionId"] for text in ("1", "2")]
    return fresh, ids


def stages(secrets, name):
    return secrets.describe_secret(SecretId=name)["VersionIdsToStages"]


def test_putting_moves_the_labels(secrets, made) -> None:
    name, ids = made
    assert stages(secrets, name) == {ids[2]: ["AWSCURRENT"], ids[1]: ["AWSPREVIOUS"]}
    read = secrets.get_secret_value
    assert read(SecretId=name)["SecretString"] == "2"
    assert read(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "1"
    assert read(SecretId=name, VersionId=ids[0])["SecretString"] == "0"
    with pytest.raises(ClientError) as error:
        read(SecretId=name, VersionId=ids[0], VersionStage="AWSCURRENT")
    assert (code(error), message(error)) == (
        "InvalidRequestException",
        "You provided a VersionStage that is not associated to the provided VersionId.",
    )
    unknown = str(uuid.uuid4())
    with pytest.raises(ClientError) as error:
        read(SecretId=name, VersionId=unknown)
    assert message(error) == f"Secrets Manager can't find the specified secret value for VersionId: {unknown}"
    listed = secrets.list_secret_version_ids(SecretId=name)
    assert {row["VersionId"] for row in listed["Versions"]} == set(ids[1:])
    listed = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)
    assert {row["VersionId"] for row in listed["Versions"]} == set(ids)


def test_a_token_is_a_version_once(secrets, made) -> None:
    name, ids = made
    again = secrets.put_secret_value(SecretId=name, SecretString="2", ClientRequestToken=ids[2])
    assert again["VersionId"] == ids[2]
    assert len(secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]) == 3
    for change in (secrets.put_secret_value, secrets.update_secret):
        with pytest.raises(ClientError) as error:
            change(SecretId=name, SecretString="other", ClientRequestToken=ids[2])
        assert code(error) == "ResourceExistsException"
    with pytest.raises(ClientError) as error:
        secrets.put_secret_value(SecretId=name)
    assert (code(error), message(error)) == (
        "InvalidRequestException",
        "You must provide either SecretString or SecretBinary.",
    )


def test_a_pending_version_becomes_current(secrets, made) -> None:
    """The steps of a rotation function."""
    name, ids = made
    pending = secrets.put_secret_value(SecretId=name, SecretString="3", VersionStages=["AWSPENDING"])
    assert pending["VersionStages"] == ["AWSPENDING"]
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "2"
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSPENDING")["SecretString"] == "3"
    move = {"SecretId": name, "VersionStage": "AWSCURRENT", "MoveToVersionId": pending["VersionId"]}
    with pytest.raises(ClientError) as error:
        secrets.update_secret_version_stage(**move)
    assert code(error) == "InvalidParameterException"
    assert message(error) == (
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version"
        f" {ids[2]}, so you must explicitly reference that version in RemoveFromVersionId."
    )
    secrets.update_secret_version_stage(**move, RemoveFromVersionId=ids[2])
    assert stages(secrets, name) == {
        pending["VersionId"]: ["AWSPENDING", "AWSCURRENT"],
        ids[2]: ["AWSPREVIOUS"],
    }
    secrets.update_secret_version_stage(
        SecretId=name, VersionStage="AWSPENDING", RemoveFromVersionId=pending["VersionId"]
    )
    assert stages(secrets, name)[pending["VersionId"]] == ["AWSCURRENT"]
    with pytest.raises(ClientError) as error:
        secrets.update_secret_version_stage(
            SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=pending["VersionId"]
        )
    assert code(error) == "InvalidParameterException"


def test_updating_a_value_makes_a_version(secrets, made) -> None:
    name, ids = made
    answer = secrets.update_secret(SecretId=name, SecretString="3", Description="new")
    assert stages(secrets, name) == {answer["VersionId"]: ["AWSCURRENT"], ids[2]: ["AWSPREVIOUS"]}
    assert "VersionId" not in secrets.update_secret(SecretId=name, Description="newer")
    assert secrets.describe_secret(SecretId=name)["Description"] == "newer"


def test_old_versions_go(server, secrets, fresh) -> None:
    secrets.create_secret(Name=fresh, SecretString="0")
    for number in range(101):
        secrets.put_secret_value(SecretId=fresh, SecretString=str(number))
    assert count(secrets, fresh) == 102, "none of the last day is dropped"
    server.clock.advance(86400 + 60)
    secrets.put_secret_value(SecretId=fresh, SecretString="last")
    assert count(secrets, fresh) == 100
    assert secrets.get_secret_value(SecretId=fresh, VersionStage="AWSPREVIOUS")["SecretString"] == "100"


def count(secrets, name):
    """How many versions a secret has, page by page."""
    found, token = set(), {}
    while token is not None:
        page = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True, MaxResults=40, **token)
        found |= {version["VersionId"] for version in page["Versions"]}
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    return len(found)


def test_a_reading_is_told_at_once(server, secrets, fresh) -> None:
    secrets.create_secret(Name=fresh, SecretString="1")
    assert "LastAccessedDate" not in secrets.describe_secret(SecretId=fresh)
    secrets.get_secret_value(SecretId=fresh)
    assert "LastAccessedDate" in secrets.describe_secret(SecretId=fresh)
    (version,) = secrets.list_secret_version_ids(SecretId=fresh)["Versions"]
    assert "LastAccessedDate" in version


def test_what_became_current_is_pending_no_longer_once_another_is(secrets, fresh) -> None:
    first = secrets.create_secret(Name=fresh, SecretString="1")["VersionId"]
    second = secrets.put_secret_value(SecretId=fresh, SecretString="2", VersionStages=["AWSPENDING"])[
        "VersionId"
    ]
    secrets.update_secret_version_stage(
        SecretId=fresh, VersionStage="AWSCURRENT", RemoveFromVersionId=first, MoveToVersionId=second
    )
    stages = secrets.describe_secret(SecretId=fresh)["VersionIdsToStages"]
    assert sorted(stages[second]) == ["AWSCURRENT", "AWSPENDING"]
    secrets.put_secret_value(SecretId=fresh, SecretString="3")
    assert secrets.describe_secret(SecretId=fresh)["VersionIdsToStages"][second] == ["AWSPREVIOUS"]
