"""Settings that change while an instance runs: those that can are set at once, the others wait for a restart."""

from collections.abc import Mapping

from coldframe.engines.mariadb.client import Client, named, quoted

_SUFFIXES = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def change(
    client: Client, running: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Bring a running instance to the wanted settings; returns those that it has now and the names that wait."""
    now, waiting = dict(running), []
    for name in sorted(set(running) | set(wanted)):
        if running.get(name) == wanted.get(name):
            continue
        found = client.query(
            "SELECT VARIABLE_TYPE t, READ_ONLY r, DEFAULT_VALUE d FROM information_schema.SYSTEM_VARIABLES"
            f" WHERE VARIABLE_NAME = {quoted(name)} AND GLOBAL_VALUE IS NOT NULL"
        )
        if not found or found[0]["r"] == "YES":
            waiting.append(name)
            continue
        value = _as_sql(wanted[name], found[0]["t"] or "") if name in wanted else "DEFAULT"
        client.query(f"SET GLOBAL {named(name)} = {value}")
        if name in wanted:
            now[name] = wanted[name]
        else:
            del now[name]
    return now, waiting


def _as_sql(value: str, kind: str) -> str:
    if not kind.startswith(("BIGINT", "INT", "DOUBLE")):
        return quoted(value)
    factor = _SUFFIXES.get(value[-1:].upper(), 1)
    number = value[:-1] if factor > 1 else value
    # What is no number goes to the server as it is, quoted, which says what is wrong with it.
    return str(int(number) * factor) if number.lstrip("-").isdigit() else _decimal(number)


def _decimal(number: str) -> str:
    try:
        return repr(float(number))
    except ValueError:
        return quoted(number)
