"""The configuration of an instance: our defaults, the settings of its spec, and what neither may change."""

import math
import os

from coldframe.core import durable
from coldframe.core.process import Account
from coldframe.engines.accounts import let_through
from coldframe.engines.database import DatabaseError, InstanceSpec, Version
from coldframe.engines.mariadb import link, versions
from coldframe.engines.mariadb.places import Kept, Place

_MEGABYTE = 1024 * 1024
_QUOTED = frozenset("#;'\"\\ \t")
# From here on the server itself counts the bytes of temporary files.
_TEMPORARY_LIMIT_SINCE = (11, 5)
# The server knows no options for these: they are set as soon as it runs, the sets before their collations.
BY_STATEMENT = (
    *("autocommit", "character_set_client", "character_set_connection", "character_set_database"),
    *("character_set_filesystem", "character_set_results", "character_set_server", "collation_connection"),
    *("collation_server", "time_zone", "tx_isolation"),
)


def effective(spec: InstanceSpec) -> dict[str, str]:
    """Return defaults that fit the memory, overridden by the spec's settings."""
    memory = spec.memory // _MEGABYTE
    small = memory <= 1024
    values = {
        "innodb_buffer_pool_size": str(
            max(16, memory * 3 // 4 // 8 * 8 if not small else memory // 4) * _MEGABYTE
        ),
        "innodb_log_file_size": str((16 if small else 128) * _MEGABYTE),
        "max_connections": str(max(60, min(16000, math.ceil(spec.memory / 12582880)))),
        "performance_schema": "OFF",
        "key_buffer_size": str((1 if small else 16) * _MEGABYTE),
        "aria_pagecache_buffer_size": str((4 if small else 64) * _MEGABYTE),
        "binlog_format": "ROW",
        "binlog_expire_logs_seconds": "604800",
        "sync_binlog": "1",
        "innodb_flush_log_at_trx_commit": "1",
        "slow_query_log": "OFF",
        "general_log": "OFF",
        "log_warnings": "1",
    }
    values.update({name.replace("-", "_"): value for name, value in spec.settings.items()})
    return values


def by_statement(spec: InstanceSpec) -> dict[str, str]:
    """Return what a server that has just started is still to be told by SET GLOBAL, in this order."""
    values = effective(spec)
    return {name: values[name] for name in BY_STATEMENT if name in values}


def private_address(spec: InstanceSpec) -> str:
    """Return the loopback address on which an instance's replicas reach it."""
    serial = spec.serial & 0x3FFFFF
    return f"127.{128 + (serial >> 16)}.{serial >> 8 & 255}.{serial & 255}"


def _ours(spec: InstanceSpec, version: Version, kept: Kept) -> dict[str, str]:
    place = Place(spec)
    values = {
        "datadir": str(place.data),
        # Relative to the data directory: a path of more than 107 characters cannot be bound.
        "socket": "../run/db.sock",
        "pid_file": str(place.run / "pid"),
        "tmpdir": str(place.scratch),
        "slow_query_log_file": str(place.slow_log),
        "general_log_file": str(place.general_log),
        "secure_file_priv": str(place.files),
        "lc_messages_dir": str(versions.share(version)),
        "character_sets_dir": str(versions.share(version) / "charsets"),
        "plugin_dir": str(versions.plugins(version)),
        "bind_address": private_address(spec),
        "port": str(kept.port),
        "server_id": str(spec.serial or 1),
        "gtid_domain_id": str(spec.serial),
        "gtid_strict_mode": "ON",
        "log_bin": str(place.binlogs / "binlog"),
        "log_slave_updates": "ON",
        "relay_log": str(place.binlogs / "relay"),
        "skip_slave_start": "OFF",
        # Clients come through the endpoint, which says where they really come from.
        "skip_name_resolve": "ON",
        "proxy_protocol_networks": "localhost",
        "session_track_system_variables": "*",
        # For accounts that require it. Newer versions would make a key of their own at every start, which takes a second.
        "ssl": "ON",
        "ssl_cert": str(place.link),
        "ssl_key": str(place.link),
        "innodb_doublewrite": "OFF" if spec.untorn_writes else "ON",
        "read_only": "ON" if kept.read_only or spec.read_only else "OFF",
    }
    if spec.member:
        values |= {
            "rpl_semi_sync_master_enabled": "ON" if spec.acknowledged_by else "OFF",
            # Ten years: it waits for as long as somebody is to acknowledge, and never goes on without.
            "rpl_semi_sync_master_timeout": "315360000000",
            "rpl_semi_sync_master_wait_point": "AFTER_SYNC",
            "rpl_semi_sync_master_wait_no_slave": "ON",
            "rpl_semi_sync_slave_enabled": "ON" if spec.acknowledges else "OFF",
            # Whom it follows is decided when it runs.
            "skip_slave_start": "ON",
        }
    if kept.lax:
        values |= {"sync_binlog": "0", "innodb_flush_log_at_trx_commit": "2"}
        values |= {"slave_parallel_threads": "0"}
    if spec.scratch and spec.scratch_quota:
        megabytes = max(16, spec.scratch_quota // _MEGABYTE)
        beside = os.path.relpath(place.scratch, place.data)
        values["innodb_temp_data_file_path"] = f"{beside}/ibtmp1:12M:autoextend:max:{megabytes}M"
        if versions.order(version.number) >= _TEMPORARY_LIMIT_SINCE:
            values["max_tmp_total_space_usage"] = str(spec.scratch_quota)
        else:
            values["tmp_disk_table_size"] = str(spec.scratch_quota)
    return values


def write(spec: InstanceSpec, version: Version, kept: Kept, account: Account) -> None:
    """Write the configuration; its owner is not the database, which could otherwise be talked into writing it."""
    values = effective(spec) | _ours(spec, version, kept)
    written = [
        f"{name} = {_written(name, value)}" for name, value in values.items() if name not in BY_STATEMENT
    ]
    lines = ["[mariadbd]", *written, ""]
    path = Place(spec).configuration
    link.ready(Place(spec).link, account)
    durable.write(path, "\n".join(lines).encode())
    if os.geteuid() == 0 and account.user != 0:
        os.chown(path, 0, account.group)
        path.chmod(0o640)
    let_through(account, versions.share(version))


def _written(name: str, value: str) -> str:
    if any(ord(character) < 32 for character in value):
        raise DatabaseError(f"the setting {name} has a control character", "write its value on one line")
    if not _QUOTED & set(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
