"""The data directory that every new instance of a version begins as a copy of, made once."""

import fcntl
import shutil
from pathlib import Path

from coldframe.core import durable, process
from coldframe.core.process import Account
from coldframe.engines.accounts import let_through, private_folder
from coldframe.engines.database import DatabaseError, Version
from coldframe.engines.mariadb import versions
from coldframe.engines.mariadb.client import quoted

# The order in which MariaDB's own installer feeds its scripts; the older name comes second.
_SCRIPTS = (
    ("mariadb_system_tables.sql", "mysql_system_tables.sql"),
    ("mariadb_performance_tables.sql", "mysql_performance_tables.sql"),
    ("mariadb_system_tables_data.sql", "mysql_system_tables_data.sql"),
    ("fill_help_tables.sql", "fill_help_tables.sql"),
    ("maria_add_gis_sp_bootstrap.sql", "maria_add_gis_sp_bootstrap.sql"),
    ("mariadb_sys_schema.sql", "mysql_sys_schema.sql"),
)
_FIRST = """create database mysql;
use mysql;
set @auth_root_socket=NULL;
set @skip_auth_anonymous=1;
set @current_hostname='localhost';
"""
# What the endpoint and the back-up program may do, which run as the user that owns the data files anyway.
_SERVICE_RIGHTS = "RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICATION SLAVE ADMIN, CONNECTION ADMIN"
_ZONES = Path("/usr/share/zoneinfo")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}


def template(cache: Path, version: Version, account: Account) -> Path:
    """Return the template of a version, owned by the account; made now if it is not there."""
    folder = cache / "templates"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = process.own_account()
    # The accounts in it are named after users of the system, and a minor version may bring other tables.
    made = folder / f"mariadb-{version.number}-{owner.name}-{account.name}"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            let_through(account, folder)
            _make(made, version, account, owner)
    let_through(account, folder)
    return made


def _make(made: Path, version: Version, account: Account, owner: Account) -> None:
    unfinished = made.with_name("unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    private_folder(account, unfinished)
    data = private_folder(account, unfinished / "data")
    temporary = private_folder(account, unfinished / "tmp")
    share = versions.share(version)
    let_through(account, share)
    command: list[str | Path] = [
        versions.needed(version, "mariadbd"),
        "--no-defaults",
        "--bootstrap",
        f"--datadir={data}",
        f"--tmpdir={temporary}",
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share / 'charsets'}",
        f"--plugin-dir={versions.plugins(version)}",
        "--innodb-log-file-size=16M",
        "--innodb-buffer-pool-size=64M",
        "--skip-networking",
        "--log-warnings=0",
        *([f"--user={account.name}"] if account.user == 0 else []),
    ]
    try:
        process.run(
            command, given=_statements(version, account, owner), environment=ENVIRONMENT, account=account
        )
    except process.ProgramFailed as problem:
        raise DatabaseError(
            f"the first tables of MariaDB {version.number} could not be made: {problem}",
            "is the disk full, or the installation of MariaDB incomplete?",
        ) from problem
    (data / "ib_buffer_pool").unlink(missing_ok=True)
    # What is copied from it must never be half of it.
    durable.rename_tree(data, made)
    shutil.rmtree(unfinished)


def _statements(version: Version, account: Account, owner: Account) -> str:
    share = versions.share(version)
    scripts = []
    for names in _SCRIPTS:
        found = next((share / name for name in names if (share / name).exists()), None)
        if found is None:
            raise DatabaseError(
                f"MariaDB {version.number} has no {names[0]}", "install its server package again"
            )
        scripts.append(found.read_text(encoding="utf-8"))
    zones = versions.program(version.programs, "mariadb-tzinfo-to-sql")
    if zones is not None and _ZONES.is_dir():
        scripts.append("use mysql;\n" + process.run([zones, _ZONES], check=False).stdout)
    return _FIRST + "\n".join([*scripts, *_accounts(account, owner)]) + "\n"


def _accounts(account: Account, owner: Account) -> list[str]:
    """Return statements that leave ourselves and the service account as the only ones, both by socket alone."""
    mine = f"{quoted(owner.name)}@'localhost'"
    service = f"{quoted(account.name)}@'localhost'"
    made = [
        "use mysql;",
        "DELETE FROM global_priv WHERE User <> 'mariadb.sys';",
        "DELETE FROM proxies_priv;",
        "FLUSH PRIVILEGES;",
        f"CREATE USER {mine} IDENTIFIED VIA unix_socket;",
        f"GRANT ALL PRIVILEGES ON *.* TO {mine} WITH GRANT OPTION;",
    ]
    if account.name != owner.name:
        made += [
            f"CREATE USER {service} IDENTIFIED VIA unix_socket;",
            f"GRANT {_SERVICE_RIGHTS} ON *.* TO {service};",
            f"GRANT SELECT ON mysql.* TO {service};",
        ]
    return made
