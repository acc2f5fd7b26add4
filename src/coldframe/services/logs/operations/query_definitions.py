"""Query definitions: queries saved under a name."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.logs.listing import page
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import QueryDefinition

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteQueryDefinitionRequestTypeDef,
        DeleteQueryDefinitionResponseTypeDef,
        DescribeQueryDefinitionsRequestTypeDef,
        DescribeQueryDefinitionsResponseTypeDef,
        PutQueryDefinitionRequestTypeDef,
        PutQueryDefinitionResponseTypeDef,
    )

MOST_DEFINITIONS = 1000


def put_query_definition(
    call: Call, request: "PutQueryDefinitionRequestTypeDef"
) -> "PutQueryDefinitionResponseTypeDef":
    """Save a query; with the id of a saved one, replace all that it says."""
    parameters: Any = request.get("parameters", [])
    language, token = request.get("queryLanguage", "CWLI"), request.get("clientToken", "")
    if parameters and language != "CWLI":
        raise invalid("Query parameters are supported only for Logs Insights QL queries.")
    names = [parameter["name"] for parameter in parameters]
    if len(set(names)) < len(names):
        raise invalid("The names of query parameters must be unique.")
    identifier = request.get("queryDefinitionId")
    if identifier is None:
        known = call.records.list(QueryDefinition, where={"token": token}, limit=1) if token else []
        if known:
            return {"queryDefinitionId": known[0].id}  # type: ignore[typeddict-item]
        if call.records.count(QueryDefinition) >= MOST_DEFINITIONS:
            text = f"An account may have up to {MOST_DEFINITIONS} query definitions in a Region."
            raise ServiceFault("LimitExceededException", text)
    else:
        token = call.records.get(QueryDefinition, identifier).token
    row = QueryDefinition(
        id=identifier or call.new_id(),
        name=request["name"],
        text=request["queryString"],
        updated=call.now,
        language=language,
        groups=list(request.get("logGroupNames", [])),
        parameters=parameters,
        token=token,
    )
    call.records.put(row)
    return {"queryDefinitionId": row.id}  # type: ignore[typeddict-item]


def describe_query_definitions(
    call: Call, request: "DescribeQueryDefinitionsRequestTypeDef"
) -> "DescribeQueryDefinitionsResponseTypeDef":
    """Return a page of saved queries by name."""
    after, prefix = call.page(request.get("nextToken")), request.get("queryDefinitionNamePrefix")
    rows = call.records.list(
        QueryDefinition,
        starts_with=None if prefix is None else ("name", prefix),
        order="name",
        after=None if after is None else tuple(after),
    )
    language = request.get("queryLanguage")
    found = [row for row in rows if language is None or row.language == language]
    limit = request.get("maxResults", MOST_DEFINITIONS)
    shown, token = page(call, found, limit, lambda row: [row.name, row.id])
    return {"queryDefinitions": [_description(row) for row in shown], **token}  # type: ignore[typeddict-item]


def delete_query_definition(
    call: Call, request: "DeleteQueryDefinitionRequestTypeDef"
) -> "DeleteQueryDefinitionResponseTypeDef":
    """Forget a saved query."""
    call.records.remove(call.records.get(QueryDefinition, request["queryDefinitionId"]))
    return {"success": True}  # type: ignore[typeddict-item]


def _description(row: QueryDefinition) -> dict[str, Any]:
    described: dict[str, Any] = {
        "queryLanguage": row.language,
        "queryDefinitionId": row.id,
        "name": row.name,
        "queryString": row.text,
        "lastModified": row.updated,
        "logGroupNames": row.groups,
    }
    if row.parameters:
        described["parameters"] = row.parameters
    return described
