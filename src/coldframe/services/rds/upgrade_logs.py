"""The logs of upgrades: what a check said, or why an upgrade was rolled back, as a log file of the instance."""

from coldframe.services.rds import engine_names
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Instance

_NAMES = {"postgresql": "pg_upgrade_precheck.log", "mariadb": "mariadb-upgrade.log"}


def write(databases: Databases, instance: Instance, report: str) -> None:
    """Add a log with the time in its name, beside the instance's error logs."""
    part = engine_names.named(instance.engine).part
    stamp = databases.clock.now().strftime("%Y-%m-%d-%H-%M-%S")
    engine = databases.engine(instance.engine)
    engine.add_log(databases.spec(instance), f"error/{_NAMES[part]}.{stamp}", report)
