"""What belongs to no single database: roles with their passwords' verifiers, memberships, databases, their settings."""

from collections.abc import Iterable

from coldframe.engines.database import InstanceSpec
from coldframe.engines.postgresql import admin, layout
from coldframe.engines.postgresql.admin import Connection
from coldframe.engines.postgresql.wire import identifier, literal

# Every instance has these from its template.
_TEMPLATE = "('rdsadmin', 'rdsrepladmin', 'rdsendpoint', 'rds_password', 'rds_replication', 'rds_iam', 'rds_superuser')"
_M, _R = (f"{each}.rolname !~ '^pg_' AND {each}.rolname NOT IN {_TEMPLATE}" for each in ("m", "r"))
_OURS = f"rolname !~ '^pg_' AND rolname NOT IN {_TEMPLATE}"

_ROLES = f"""
    SELECT format('CREATE ROLE %I', rolname) FROM pg_authid WHERE {_OURS}
    UNION ALL
    SELECT format('ALTER ROLE %I WITH %s %s %s %s %s %s %s CONNECTION LIMIT %s', rolname,
        CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
        CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
        CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
        CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
        CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
        CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
        CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END, rolconnlimit)
        || CASE WHEN rolpassword IS NULL THEN '' ELSE format(' PASSWORD %L', rolpassword) END
        || CASE WHEN rolvaliduntil IS NULL THEN '' ELSE format(' VALID UNTIL %L', rolvaliduntil) END
    FROM pg_authid WHERE {_OURS}"""
_MEMBERSHIPS = f"""
    SELECT DISTINCT format('GRANT %I TO %I', r.rolname, m.rolname) || CASE WHEN a.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END
    FROM pg_auth_members a JOIN pg_authid r ON r.oid = a.roleid JOIN pg_authid m ON m.oid = a.member
    WHERE m.rolname !~ '^pg_' AND m.rolname NOT IN {_TEMPLATE}"""
_MEMBERSHIPS_16 = f"""
    SELECT DISTINCT format('GRANT %I TO %I WITH ADMIN %s, INHERIT %s, SET %s', r.rolname, m.rolname,
        bool_or(a.admin_option), bool_or(a.inherit_option), bool_or(a.set_option))
    FROM pg_auth_members a JOIN pg_authid r ON r.oid = a.roleid JOIN pg_authid m ON m.oid = a.member
    WHERE m.rolname !~ '^pg_' AND m.rolname NOT IN {_TEMPLATE} GROUP BY r.rolname, m.rolname"""
# Until 15 CREATEROLE was enough to give every role away; from 16 on that takes ADMIN OPTION.
ADMINISTRATION = f"""
    SELECT format('GRANT %I TO %I WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', r.rolname, m.rolname)
    FROM pg_authid m, pg_authid r WHERE m.rolcreaterole AND NOT m.rolsuper AND {_M} AND r.oid <> m.oid
        AND (r.rolname = 'rds_iam' OR ({_R})) AND NOT r.rolsuper
        AND NOT pg_has_role(r.oid, m.oid, 'MEMBER') ORDER BY m.oid, r.oid"""
_DATABASES = """
    SELECT d.datname, pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, r.rolname, d.datconnlimit
    FROM pg_database d JOIN pg_authid r ON r.oid = d.datdba
    WHERE d.datallowconn AND NOT d.datistemplate AND d.datname NOT IN ('rdsadmin', 'postgres') ORDER BY d.oid"""
_RIGHTS = """
    SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname) FROM pg_database
    WHERE datallowconn AND NOT datistemplate AND datname <> 'rdsadmin'
    UNION ALL
    SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, d.datname,
        CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    WHERE d.datallowconn AND NOT d.datistemplate AND d.datname <> 'rdsadmin'"""
_OWNERS = """
    SELECT format('ALTER DATABASE %I OWNER TO %I', d.datname, r.rolname) FROM pg_database d
    JOIN pg_authid r ON r.oid = d.datdba WHERE d.datname IN ('postgres', 'template1')"""
_SETTINGS = """
    SELECT coalesce(d.datname, ''), coalesce(r.rolname, ''), s.setconfig FROM pg_db_role_setting s
    LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_authid r ON r.oid = s.setrole
    WHERE (s.setdatabase = 0 OR d.oid IS NOT NULL)"""


def bring(source: InstanceSpec, target: InstanceSpec) -> None:
    """Make the source's roles and databases, empty, on a fresh target."""
    with admin.connected(layout.socket(source)) as here, admin.connected(layout.socket(target)) as there:
        old, new = (int(str(each.value("SHOW server_version_num"))) // 10000 for each in (here, there))
        _run(there, here.query(_ROLES))
        _run(there, here.query(_MEMBERSHIPS if old < 16 else _MEMBERSHIPS_16 if new >= 16 else _MEMBERSHIPS))
        if old < 16 <= new:
            _run(there, here.query(ADMINISTRATION))
        for name, encoding, collate, kind, owner, limit in here.query(_DATABASES):
            there.query(
                f"CREATE DATABASE {_name(name)} OWNER {_name(owner)} TEMPLATE template0 ENCODING {literal(str(encoding))} "
                f"LC_COLLATE {literal(str(collate))} LC_CTYPE {literal(str(kind))} CONNECTION LIMIT {limit}"
            )
        _run(there, here.query(_OWNERS))
        _run(there, here.query(_RIGHTS))
        for database, role, settings in here.query(_SETTINGS):
            # As the catalog has them: a statement would have to know which settings are lists.
            there.query(
                "INSERT INTO pg_db_role_setting VALUES ("
                f"coalesce((SELECT oid FROM pg_database WHERE datname = {literal(str(database))}), 0), "
                f"coalesce((SELECT oid FROM pg_authid WHERE rolname = {literal(str(role))}), 0), {literal(str(settings))})"
            )


def _run(connection: Connection, statements: Iterable[admin.Row]) -> None:
    for (statement,) in statements:
        connection.query(str(statement))


def _name(value: str | None) -> str:
    return identifier(str(value))
