"""The configuration files of an instance: what its memory implies, what its owner sets, and what nobody may change."""

import os
from collections.abc import Mapping
from pathlib import Path

from coldframe.core import process
from coldframe.engines.database import InstanceSpec
from coldframe.engines.postgresql import admin, layout, programs
from coldframe.engines.postgresql.layout import Mode, State

REPLICATION = "rdsrepladmin"
ENDPOINT = "rdsendpoint"
TOKENS = "rds_iam"
TEMPORARY = "rds_temp_tablespace"
_MB = 1024 * 1024
_KEPT_FOR_MEMBERS = "256MB"


def write(spec: InstanceSpec, known: State, mode: Mode, extra: Mapping[str, str] | None = None) -> None:
    """Write all of it as the mode wants it; the instance reads it when it starts or is told to reload."""
    folder = layout.data(spec)
    settings = {**_implied(spec), **spec.settings, **_fixed(spec, known, mode), **(extra or {})}
    lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
    _put(folder / "postgresql.conf", "\n".join(lines) + "\n")
    # What ALTER SYSTEM or a copy's source left here would win over ours.
    _put(folder / "postgresql.auto.conf", "")
    _put(folder / "pg_hba.conf", _access(mode))
    _put(folder / "pg_ident.conf", _names())
    signal = folder / "standby.signal"
    if mode in {"standby", "sealed"}:
        _put(signal, "")
    else:
        signal.unlink(missing_ok=True)


def _implied(spec: InstanceSpec) -> Mapping[str, str]:
    """Return the defaults of the service for an instance of this size; its owner may set others."""
    memory = max(spec.memory, 64 * _MB)
    return {
        "shared_buffers": f"{memory // 4 // _MB}MB",
        "effective_cache_size": f"{memory // 2 // _MB}MB",
        "maintenance_work_mem": f"{max(16, min(memory // 16 // _MB, 2048))}MB",
        "max_connections": str(max(50, min(memory // 9531392, 5000))),
        "max_wal_size": "1GB",
        "max_wal_senders": "20",
        "max_replication_slots": "20",
        "max_logical_replication_workers": "12",
        "max_sync_workers_per_subscription": "2",
        "max_worker_processes": "24",
        "max_parallel_workers": "2",
        "max_slot_wal_keep_size": "-1",
        "log_line_prefix": "%t:%r:%u@%d:[%p]:",
        "log_rotation_age": "60min",
        "log_filename": "postgresql.log.%Y-%m-%d-%H",
        "log_checkpoints": "on",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "lc_messages": "C",
        "shared_preload_libraries": "pg_stat_statements",
        "wal_receiver_status_interval": "1s",
        "wal_retrieve_retry_interval": "200ms",
    }


def logging(spec: InstanceSpec) -> Mapping[str, str]:
    """Return how an instance writes its log: log_line_prefix, log_timezone."""
    settings = {**_implied(spec), **spec.settings}
    return {name: settings[name] for name in ("log_line_prefix", "log_timezone")}


def _fixed(spec: InstanceSpec, known: State, mode: Mode) -> Mapping[str, str]:
    """Return what holds whatever the owner sets: addresses, files, and what copies and back-ups rest on."""
    fixed = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": str(layout.socket_folder(spec.folder)),
        "unix_socket_permissions": "0700",
        "external_pid_file": "",
        "hba_file": str(layout.data(spec) / "pg_hba.conf"),
        "ident_file": str(layout.data(spec) / "pg_ident.conf"),
        "ssl": "off",
        "password_encryption": "scram-sha-256",
        "wal_level": "logical",
        # No setting of the server's: it is what its roles are told by (template.sql), and clients may ask for it.
        "rds.logical_replication": "on" if spec.settings.get("rds.logical_replication") == "1" else "off",
        "hot_standby": "on",
        "archive_mode": "off",
        "logging_collector": "on",
        "log_destination": "stderr",
        "log_directory": str(layout.logs(spec) / "error"),
        "log_file_mode": "0640",
        "dynamic_shared_memory_type": "posix",
        # One call for the whole file system in place of one for each of a thousand files, after a crash or a copy.
        "recovery_init_sync_method": "syncfs",
        "allow_in_place_tablespaces": "on",
        "full_page_writes": "off" if spec.untorn_writes else "on",
        "restore_command": "",
        "primary_conninfo": "",
        "primary_slot_name": "",
        "recovery_target_timeline": "latest",
    }
    fixed["synchronous_standby_names"] = ""
    if spec.acknowledged_by and mode in {"open", "fenced"}:
        names = ", ".join(f'"{standby_name(serial)}"' for serial in spec.acknowledged_by)
        fixed["synchronous_standby_names"] = f"ANY 1 ({names})"
    if spec.member:
        # Whoever takes over has no slots for the others, which may be a little behind.
        fixed["wal_keep_size"] = _KEPT_FOR_MEMBERS
    if mode in {"soft", "fenced"}:
        fixed["default_transaction_read_only"] = "on"
    if mode == "standby" and known.source is not None:
        fixed["primary_conninfo"] = conninfo(known.source.folder, name=standby_name(spec.serial))
        fixed["primary_slot_name"] = known.source.slot
    if spec.scratch is not None:
        fixed["temp_tablespaces"] = TEMPORARY
        if spec.scratch_quota > 0:
            fixed["temp_file_limit"] = f"{max(1, spec.scratch_quota // 1024)}kB"
    return fixed


def standby_name(serial: int) -> str:
    """Return the name by which a source knows the copy of a serial."""
    return f"standby-{serial}"


def conninfo(folder: Path, *, name: str, database: str = "") -> str:
    """Return how another instance reaches the one in `folder`: by its socket, where the system says who comes."""
    words = [("host", str(layout.socket_folder(folder))), ("port", "5432"), ("user", REPLICATION)]
    words += [("application_name", name), *([("dbname", database)] if database else [])]
    return " ".join(
        f"{key}='{value.replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39))}'"
        for key, value in words
    )


def _access(mode: Mode) -> str:
    """Return who comes in and how; a fence lets in nobody but the administrator and replication."""
    everybody = "reject" if mode == "fenced" else "scram-sha-256"
    lines = [
        f"local all {admin.USER} peer map=coldframe",
        f"local all,replication {REPLICATION} peer map=coldframe",
        f"local {admin.DATABASE} {ENDPOINT} peer map=coldframe",
        f"local {admin.DATABASE},replication all reject",
        # The endpoint, which alone reaches the socket, has checked the token of who signs in without a password.
        f"local all +{TOKENS} {'reject' if mode == 'fenced' else 'trust'}",
        f"local all all {everybody}",
    ]
    return "\n".join(lines) + "\n"


def _names() -> str:
    """Return which users of the system are the administrator, and which replicate."""
    server, instance = process.own_account().name, programs.account().name
    lines = [
        f"coldframe {server} {admin.USER}",
        *(
            f"coldframe {name} {role}"
            for name in sorted({server, instance})
            for role in (REPLICATION, ENDPOINT)
        ),
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''").replace("\n", " ")


def _put(path: Path, content: str) -> None:
    """Put a file in place whole; it is written again at every start, from what is remembered durably."""
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    programs.own(fresh)
    fresh.replace(path)
