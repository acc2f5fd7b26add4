"""GetRandomPassword and its options."""

import string

import pytest
from botocore.exceptions import ClientError

from tests.services.secretsmanager.conftest import code

TYPES = (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation)


def test_without_options(secrets) -> None:
    found = {secrets.get_random_password()["RandomPassword"] for _ in range(5)}
    assert len(found) == 5
    for password in found:
        assert len(password) == 32
        assert all(set(password) & set(letters) for letters in TYPES)
        assert " " not in password


@pytest.mark.parametrize(
    ("option", "letters"),
    [
        ("ExcludeLowercase", TYPES[0]),
        ("ExcludeUppercase", TYPES[1]),
        ("ExcludeNumbers", TYPES[2]),
        ("ExcludePunctuation", TYPES[3]),
    ],
)
def test_each_type_can_be_left_out(secrets, option, letters) -> None:
    password = secrets.get_random_password(PasswordLength=500, **{option: True})["RandomPassword"]
    assert not set(password) & set(letters)
    assert all(set(password) & set(others) for others in TYPES if others != letters)


def test_other_options(secrets) -> None:
    made = secrets.get_random_password(PasswordLength=4)["RandomPassword"]
    assert [len(set(made) & set(letters)) for letters in TYPES] == [1] * 4
    made = secrets.get_random_password(PasswordLength=1000, ExcludeCharacters="aeiou\"'")["RandomPassword"]
    assert not set(made) & set("aeiou\"'")
    assert " " in secrets.get_random_password(PasswordLength=50, IncludeSpace=True)["RandomPassword"]
    assert (
        len(secrets.get_random_password(PasswordLength=1, RequireEachIncludedType=False)["RandomPassword"])
        == 1
    )
    for options in (
        {"PasswordLength": 3},
        {"PasswordLength": 8, "ExcludeCharacters": string.printable},
    ):
        with pytest.raises(ClientError) as error:
            secrets.get_random_password(**options)
        assert code(error) == "InvalidParameterException"
    with pytest.raises(ClientError) as error:
        secrets.get_random_password(PasswordLength=4097)
    assert code(error) in {"ValidationException", "InvalidParameterException"}
