"""Lookup tables: CSV text by name, from which queries add what it knows to log events."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs import tagging
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.lookup_tables import check
from coldframe.services.logs.records import LookupTable, LookupTableBody

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        CreateLookupTableRequestTypeDef,
        CreateLookupTableResponseTypeDef,
        DeleteLookupTableRequestTypeDef,
        DescribeLookupTablesRequestTypeDef,
        DescribeLookupTablesResponseTypeDef,
        GetLookupTableRequestTypeDef,
        GetLookupTableResponseTypeDef,
        UpdateLookupTableRequestTypeDef,
        UpdateLookupTableResponseTypeDef,
    )


def create_lookup_table(
    call: Call, request: "CreateLookupTableRequestTypeDef"
) -> "CreateLookupTableResponseTypeDef":
    """Create a lookup table from CSV text; its name must be free."""
    name = request["lookupTableName"]
    text = _body(request)
    content = check(text)
    tags = tagging.added({}, request.get("tags", {}), _arn(call, name))
    call.records.add(
        LookupTable(
            name=name,
            columns=list(content.columns),
            rows=content.rows,
            size=content.size,
            updated=call.now,
            description=request.get("description", ""),
            tags=tags,
        )
    )
    call.records.put(LookupTableBody(name=name, text=text))
    return {"lookupTableArn": _arn(call, name), "createdAt": call.now}  # type: ignore[typeddict-item]


def update_lookup_table(
    call: Call, request: "UpdateLookupTableRequestTypeDef"
) -> "UpdateLookupTableResponseTypeDef":
    """Replace the whole content of a lookup table; its description stays unless there is a new one."""
    row = _named(call, request["lookupTableArn"])
    text = _body(request)
    content = check(text)
    call.records.change(
        row,
        columns=list(content.columns),
        rows=content.rows,
        size=content.size,
        updated=call.now,
        description=request.get("description", row.description),
    )
    call.records.put(LookupTableBody(name=row.name, text=text))
    return {"lookupTableArn": _arn(call, row.name), "lastUpdatedTime": call.now}  # type: ignore[typeddict-item]


def get_lookup_table(call: Call, request: "GetLookupTableRequestTypeDef") -> "GetLookupTableResponseTypeDef":
    """Return a lookup table with its CSV text."""
    row = _named(call, request["lookupTableArn"])
    body = call.records.find(LookupTableBody, row.name)
    answer = {
        "lookupTableArn": _arn(call, row.name),
        "lookupTableName": row.name,
        "tableBody": body.text if body is not None else "",
        "sizeBytes": row.size,
        "lastUpdatedTime": row.updated,
    }
    if row.description:
        answer["description"] = row.description
    return answer  # type: ignore[return-value]


def describe_lookup_tables(
    call: Call, request: "DescribeLookupTablesRequestTypeDef"
) -> "DescribeLookupTablesResponseTypeDef":
    """Return a page of lookup tables by name, all or those of a prefix, without their content."""
    prefix, limit = request.get("lookupTableNamePrefix"), request.get("maxResults", MOST)
    if limit < 1:
        raise invalid("maxResults must be at least 1.")
    after = call.page(request.get("nextToken"))
    rows = call.records.list(
        LookupTable,
        starts_with=("name", prefix) if prefix else None,
        after=None if after is None else (after,),
        limit=limit + 1,
    )
    shown, token = page(call, rows, limit, lambda row: row.name)
    return {"lookupTables": [_description(call, row) for row in shown], **token}  # type: ignore[typeddict-item]


def delete_lookup_table(call: Call, request: "DeleteLookupTableRequestTypeDef") -> None:
    """Delete a lookup table with its content; queries that name it fail from now on."""
    row = _named(call, request["lookupTableArn"])
    call.records.remove(row)
    call.records.remove(LookupTableBody(name=row.name, text=""))


def _arn(call: Call, name: str) -> str:
    return call.arn(f"lookup-table:{name}")


def _named(call: Call, arn: str) -> LookupTable:
    """Return the table of an ARN; raises the fault for an ARN that is none, and for a table that is not there."""
    try:
        parts = arns.parse(arn)
    except ValueError as error:
        raise invalid(f"Invalid ARN: {arn}") from error
    if parts.service != "logs" or not parts.resource.startswith("lookup-table:"):
        raise invalid(f"{arn} is not the ARN of a lookup table.")
    if (parts.account, parts.region) != (call.account, call.region):
        raise ServiceFault("ResourceNotFoundException", "The specified lookup table does not exist.")
    return call.records.get(LookupTable, parts.resource.removeprefix("lookup-table:"))


def _body(request: Mapping[str, Any]) -> str:
    """Return the CSV text of a request; raises the fault for what it cannot be made from."""
    if ("tableBody" in request) == ("queryId" in request):
        raise invalid("You must specify either tableBody or queryId, but not both.")
    if "queryId" in request:
        raise NotBuilt("Lookup tables from the results of queries are not built in coldframe yet.")
    if request.get("kmsKeyId"):
        raise NotBuilt("Customer managed KMS keys for lookup tables are not built in coldframe yet.")
    return str(request["tableBody"])


def _description(call: Call, row: LookupTable) -> dict[str, Any]:
    described: dict[str, Any] = {
        "lookupTableArn": _arn(call, row.name),
        "lookupTableName": row.name,
        "tableFields": row.columns,
        "recordsCount": row.rows,
        "sizeBytes": row.size,
        "lastUpdatedTime": row.updated,
    }
    if row.description:
        described["description"] = row.description
    return described
