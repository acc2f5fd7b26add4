"""Whether a running instance does its work: somebody comes in, and a write of ours becomes durable."""

from coldframe.engines.database import DatabaseError, InstanceSpec, Silent
from coldframe.engines.mariadb.client import Client, QueryFailed
from coldframe.engines.mariadb.instances import Instances

_MISSING_TABLE = 1146
# Neither replicas nor whoever acknowledges see it, and it gives way to every lock of others within a second, which is an
# answer, too. The table has the name that it has at RDS.
_ALONE = (
    "SET SESSION sql_log_bin = 0, autocommit = 1, tx_read_only = 0, lock_wait_timeout = 1,"
    " innodb_lock_wait_timeout = 1"
)
_TABLE = (
    "CREATE TABLE IF NOT EXISTS mysql.rds_heartbeat2 (id INT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)"
    " ENGINE = InnoDB"
)
_BEAT = "REPLACE INTO mysql.rds_heartbeat2 VALUES (1, UNIX_TIMESTAMP(NOW(3)) * 1000)"
# An instance may be set to let commits not wait for the disk.
_DURABLE = "FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS"


def probe(instances: Instances, spec: InstanceSpec, *, answer: float, write: float) -> None:
    """Come in anew and, where it takes writes, have one made durable; raises Silent."""
    try:
        with instances.client(spec, timeout=answer) as client:
            if client.value("SELECT @@global.read_only") in {"0", "OFF"}:
                client.patience(write)
                _beat(client)
    except Silent:
        raise
    except DatabaseError:
        # It refuses, or nobody listens (any more): it does not hang.
        return


def _beat(client: Client) -> None:
    client.query(_ALONE)
    try:
        client.query(_BEAT)
    except QueryFailed as problem:
        if problem.code != _MISSING_TABLE:
            raise
        client.query(_TABLE)
        client.query(_BEAT)
    client.query(_DURABLE)
