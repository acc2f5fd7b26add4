"""Writes the parameter tables of RDS from running engines: `python -m tools.rds_parameters FAMILY SOCKET [USER]`.

FAMILY is a parameter group family (mariadb10.11, postgres15); SOCKET the socket of a fresh server of that version (for
PostgreSQL the folder it lies in), on which USER may ask for everything.
"""

import csv
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from coldframe.core import process
from coldframe.engines.mariadb.settings import BY_STATEMENT

FOLDER = Path("src/coldframe/services/rds/parameters")
_POSTGRES = (
    "SELECT name, vartype, context, min_val, max_val, array_to_string(enumvals, ',') AS choices, unit, short_desc"
    " FROM pg_settings WHERE context <> 'internal' ORDER BY name"
)
_MARIADB = (
    "SELECT LOWER(VARIABLE_NAME) AS name, VARIABLE_TYPE AS vartype, READ_ONLY AS fixed, VARIABLE_SCOPE AS scope,"
    " NUMERIC_MIN_VALUE AS min_val, NUMERIC_MAX_VALUE AS max_val, ENUM_VALUE_LIST AS choices, COMMAND_LINE_ARGUMENT AS"
    " option_, VARIABLE_COMMENT AS short_desc FROM information_schema.SYSTEM_VARIABLES ORDER BY 1"
)
# What a client may not have as its own character set.
_NO_CLIENTS = {"ucs2", "utf16", "utf16le", "utf32"}
_KINDS = {
    "bool": "boolean",
    "boolean": "boolean",
    "integer": "integer",
    "real": "float",
    "double": "float",
    "string": "string",
    "varchar": "string",
    "enum": "string",
    "set": "list",
    "flagset": "list",
}


def main() -> int:
    """Ask the engine and write the family's table."""
    family, socket, *user = sys.argv[1:]
    rows = _postgres(socket, *user) if family.startswith("postgres") else _mariadb(socket, *user)
    path = FOLDER / f"{family}.json"
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(rows)} parameters in {path}")
    return 0


def _postgres(folder: str, user: str = "postgres") -> list[list[Any]]:
    done = process.run(["psql", "-h", folder, "-U", user, "-d", "postgres", "--csv", "-c", _POSTGRES])
    return [
        _row(
            each["name"],
            each["vartype"],
            each["short_desc"] + (f" (in units of {each['unit']})" if each["unit"] else ""),
            dynamic=each["context"] in {"user", "superuser", "sighup", "backend", "superuser-backend"},
            bounds=(each["min_val"], each["max_val"]),
            choices=each["choices"],
        )
        for each in csv.DictReader(io.StringIO(done.stdout))
    ]


def _mariadb(socket: str, user: str = "root") -> list[list[Any]]:
    def ask(statement: str) -> list[dict[str, str]]:
        done = process.run(["mariadb", "--no-defaults", "-S", socket, "-u", user, "-B", "-e", statement])
        return list(csv.DictReader(io.StringIO(done.stdout), delimiter="\t", quoting=csv.QUOTE_NONE))

    # Both names of the character set that MySQL first called utf8.
    sets = _both(each["Charset"] for each in ask("SHOW CHARACTER SET"))
    collations = _both(each["Collation"] for each in ask("SHOW COLLATION WHERE Charset IS NOT NULL"))
    zones = [each["Name"] for each in ask("SELECT Name FROM mysql.time_zone_name WHERE Name RLIKE '^[A-Z]'")]
    found = []
    for each in ask(_MARIADB):
        by_option = each["option_"] not in {"NULL", "NONE"} and each["scope"] != "SESSION ONLY"
        if not by_option and each["name"] not in BY_STATEMENT:
            continue
        if each["name"].startswith("character_set_"):
            narrow = each["name"] == "character_set_client"
            each["choices"] = ",".join(name for name in sets if not (narrow and name in _NO_CLIENTS))
        elif each["name"].startswith("collation_"):
            each["choices"] = ",".join(collations)
        elif each["name"] == "time_zone":
            each["choices"] = ",".join(zones)
        kind = each["vartype"].lower().removesuffix(" unsigned")
        found.append(
            _row(
                each["name"],
                "integer" if kind in {"int", "bigint"} else kind,
                each["short_desc"],
                dynamic=each["fixed"] != "YES",
                bounds=(each["min_val"], each["max_val"]),
                choices=each["choices"],
            )
        )
    return found


def _both(names: Iterable[str]) -> list[str]:
    return [both for name in names for both in dict.fromkeys((name, name.replace("utf8mb3", "utf8")))]


def _row(
    name: str, kind: str, text: str, *, dynamic: bool, bounds: tuple[str, str], choices: str
) -> list[Any]:
    """Return a row as parameters/__init__.py reads it: name, data type, dynamic, allowed values, description."""
    kind = _KINDS.get(kind, kind)
    if kind == "boolean":
        allowed = "0,1"
    elif choices and choices != "NULL":
        allowed = choices
    elif kind in {"integer", "float"} and bounds[0] not in {"", "NULL"}:
        allowed = f"{bounds[0]}-{bounds[1]}"
    else:
        allowed = ""
    return [name, kind, dynamic, allowed, text.replace("\\n", " ").strip()]


if __name__ == "__main__":
    raise SystemExit(main())
