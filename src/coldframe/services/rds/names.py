"""The names that users give in RDS: which are allowed, and how they are kept."""

import re

from coldframe.core.faults import ServiceFault
from coldframe.services.rds.engine_names import EngineName
from coldframe.services.rds.faults import bad_value

_IDENTIFIER = re.compile(r"[a-z](?:-?[a-z0-9])*", re.IGNORECASE)
_SUBNET_GROUP = re.compile(r"[a-z][a-z0-9._ -]{0,254}", re.IGNORECASE)
_USER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DATABASE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PASSWORD = re.compile(r"[!-~ ]*")
_WORDS = (
    " is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and"
    " hyphens; and must not end with a hyphen or contain two consecutive hyphens."
)


def required(text: str, member: str) -> str:
    """Return a text that may not be blank; raises InvalidParameterValue."""
    if not text.strip():
        raise bad_value(f"The parameter {member} must be provided and must not be blank.")
    return text


def identifier(name: str, member: str, *, longest: int = 63) -> str:
    """Return an identifier as it is kept, in lower case; raises InvalidParameterValue."""
    required(name, member)
    if len(name) > longest:
        raise bad_value(
            f"The parameter {member} is not a valid identifier because it is longer than {longest} characters."
        )
    if "Snapshot" in member and not name[0].isalpha():
        # RDS has two spaces here.
        raise bad_value(f"Invalid snapshot identifier:  {name}")
    if _IDENTIFIER.fullmatch(name) is None:
        raise no_identifier(member)
    return name.lower()


def no_identifier(member: str) -> ServiceFault:
    """Return InvalidParameterValue: a member is no identifier."""
    return bad_value(f"The parameter {member}{_WORDS}")


def subnet_group(name: str, member: str) -> str:
    """Return the name of a subnet group as it is kept, which may have more in it; raises InvalidParameterValue."""
    required(name, member)
    if _SUBNET_GROUP.fullmatch(name) is None:
        raise bad_value(
            f"The parameter {member} is not a valid name. It must begin with a letter, contain only letters, numbers,"
            " periods, underscores, spaces, and hyphens, and be no longer than 255 characters."
        )
    return name.lower()


def master_user(name: str, engine: EngineName) -> str:
    """Return the master user's name; raises InvalidParameterValue for one that the engine does not take."""
    if not 1 <= len(name) <= engine.longest_user or _USER.fullmatch(name) is None:
        raise bad_value(
            f"MasterUsername must be 1 to {engine.longest_user} letters, numbers, or underscores, and begin with a letter"
        )
    if name.lower() in engine.reserved or name.lower().startswith("rds"):
        raise bad_value(f"MasterUsername {name} cannot be used as it is a reserved word used by the engine")
    return name


def master_password(password: str, engine: EngineName) -> str:
    """Return the master user's password; raises InvalidParameterValue, which never repeats it."""
    if len(password) < 8:
        raise bad_value(
            "The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters."
        )
    if len(password) > engine.longest_password:
        raise bad_value(
            "The parameter MasterUserPassword is not a valid password because it is longer than"
            f" {engine.longest_password} characters."
        )
    if _PASSWORD.fullmatch(password) is None or set(password) & set('/@" '):
        raise bad_value(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@',"
            " '\"', ' ' may be used."
        )
    return password


def database(name: str, engine: EngineName) -> str:
    """Return the name of the first database; raises InvalidParameterValue."""
    if not 1 <= len(name) <= engine.longest_database or _DATABASE.fullmatch(name) is None:
        raise bad_value(
            f"DBName must begin with a letter and contain only alphanumeric characters, at most {engine.longest_database}."
        )
    return name
