"""The statements that make an instance's users and databases; a password is only ever there as its verifier."""

from coldframe.engines.database import Version
from coldframe.engines.postgresql.wire import identifier, literal


def master(user: str, verifier: str, version: Version) -> list[str]:
    """Return what makes the master user: every right that the service gives, none of a superuser's."""
    name = identifier(user)
    statements = [
        f"DO $$ BEGIN CREATE ROLE {name}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"ALTER ROLE {name} LOGIN CREATEDB CREATEROLE INHERIT PASSWORD {literal(verifier)} VALID UNTIL 'infinity'",
        f"GRANT rds_superuser TO {name} WITH ADMIN OPTION",
        f"ALTER DATABASE postgres OWNER TO {name}",
        f"ALTER DATABASE template1 OWNER TO {name}",
    ]
    if int(version.major) >= 16:
        # From 16 on only who has ADMIN OPTION gives a role away; that alone does not make it sign in with tokens.
        statements.append(f"GRANT rds_iam TO {name} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
    return statements


def database(name: str | None, owner: str) -> list[str]:
    """Return what makes the first database of an instance."""
    if name in {None, "postgres"}:
        return []
    return [f"CREATE DATABASE {identifier(str(name))} OWNER {identifier(owner)}"]


def password(user: str, verifier: str) -> str:
    """Return what gives a user another password."""
    return f"ALTER ROLE {identifier(user)} PASSWORD {literal(verifier)}"
