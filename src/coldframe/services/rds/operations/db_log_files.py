"""Log files of instances: listed, and downloaded in portions."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.database import DatabaseError
from coldframe.services.rds import lookup, pages
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_value

_PORTION = 1_000_000
_LINES = 10_000


def describe_db_log_files(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of an instance's logs, by name, with size and time of the last line."""
    instance = lookup.instance_named(call, request["DBInstanceIdentifier"])
    if not instance.ready:
        raise ServiceFault(
            "DBInstanceNotReadyFault", f"Instance {instance.identifier} is still being created."
        )
    databases = call.part(Databases)
    found = databases.engine(instance.engine).log_files(databases.spec(instance))
    rows = [
        {"LogFileName": each.name, "LastWritten": int(each.written * 1000), "Size": each.size}
        for each in sorted(found, key=lambda each: each.name)
        if (request.get("FilenameContains") or "") in each.name
        and each.written * 1000 >= (request.get("FileLastWritten") or 0)
        and each.size >= (request.get("FileSize") or 0)
    ]
    page, marker = pages.page(call, request, rows, lambda row: row["LogFileName"])
    return {"DescribeDBLogFiles": page, **marker}


def download_db_log_file_portion(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return up to a megabyte (or so many lines) of a log: from a marker on, or its last lines."""
    instance = lookup.instance_named(call, request["DBInstanceIdentifier"])
    databases, name = call.part(Databases), request["LogFileName"]
    engine, spec = databases.engine(instance.engine), databases.spec(instance)
    size = next((each.size for each in engine.log_files(spec) if each.name == name), None)
    if size is None:
        raise ServiceFault("DBLogFileNotFoundFault", f"DBLog File: {name}, is not found on the DB instance")
    lines, marker = request.get("NumberOfLines"), request.get("Marker")
    if lines is not None and lines < 1:
        raise bad_value("NumberOfLines must be a positive number.")
    if marker is None and lines is not None:
        begin = max(size - _PORTION, 0)
        data = _read(engine, spec, name, begin, size - begin)
        kept = b"".join(data.splitlines(keepends=True)[-lines:])
        return _answer(kept, size, size)
    begin = _offset(marker or "0", size)
    data = _read(engine, spec, name, begin, _PORTION)
    kept = b"".join(data.splitlines(keepends=True)[: lines or _LINES])
    return _answer(kept, begin + len(kept), size)


def _read(engine: Any, spec: Any, name: str, offset: int, length: int) -> bytes:
    try:
        found: bytes = engine.read_log(spec, name, offset, length)
    except DatabaseError as error:
        raise ServiceFault("DBLogFileNotFoundFault", str(error)) from error
    return found


def _answer(data: bytes, end: int, size: int) -> dict[str, Any]:
    return {
        "LogFileData": data.decode("utf-8", "replace"),
        "Marker": str(end),
        "AdditionalDataPending": end < size,
    }


def _offset(marker: str, size: int) -> int:
    if not (marker.isascii() and marker.isdigit()):
        raise bad_value(f"Invalid marker: {marker}")
    return min(int(marker), size)
