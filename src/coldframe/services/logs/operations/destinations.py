"""Destinations: names that other accounts may subscribe their log groups to."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.services.logs import policy_documents, tagging
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.records import Destination
from coldframe.services.logs.subscribing import check_role, check_target

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteDestinationRequestTypeDef,
        DescribeDestinationsRequestTypeDef,
        DescribeDestinationsResponseTypeDef,
        PutDestinationPolicyRequestTypeDef,
        PutDestinationRequestTypeDef,
        PutDestinationResponseTypeDef,
    )

MOST_POLICY_BYTES = 5120


def put_destination(call: Call, request: "PutDestinationRequestTypeDef") -> "PutDestinationResponseTypeDef":
    """Create a destination for a log group or a delivery stream of this account, or change one; its access policy stays as it is."""
    name = request["destinationName"]
    check_role(call, request["roleArn"])
    # Firehose writes in a transaction of its own, so this comes before ours is opened.
    target = check_target(call, request["targetArn"], request["roleArn"])
    records = call.records
    present = records.find(Destination, name)
    tags = dict(present.tags) if present is not None else {}
    if "tags" in request:
        tags = tagging.added(tags, request["tags"], _arn(call, name))
    row = Destination(
        name=name,
        target=target.arn,
        role=request["roleArn"],
        created=call.now if present is None else present.created,
        access_policy="" if present is None else present.access_policy,
        tags=tags,
    )
    records.put(row)
    return {"destination": _description(call, row)}  # type: ignore[typeddict-item]


def put_destination_policy(call: Call, request: "PutDestinationPolicyRequestTypeDef") -> None:
    """Set who may subscribe to a destination."""
    destination = call.records.get(Destination, request["destinationName"])
    policy_documents.check(request["accessPolicy"], most_bytes=MOST_POLICY_BYTES)
    call.records.change(destination, access_policy=request["accessPolicy"])


def delete_destination(call: Call, request: "DeleteDestinationRequestTypeDef") -> None:
    """Delete a destination; subscriptions to it deliver nothing any more."""
    call.records.remove(call.records.get(Destination, request["destinationName"]))


def describe_destinations(
    call: Call, request: "DescribeDestinationsRequestTypeDef"
) -> "DescribeDestinationsResponseTypeDef":
    """Return a page of the account's destinations by name."""
    prefix, limit = request.get("DestinationNamePrefix"), request.get("limit", MOST)
    after = call.page(request.get("nextToken"))
    rows = call.records.list(
        Destination,
        starts_with=("name", prefix) if prefix else None,
        after=None if after is None else (after,),
        limit=limit + 1,
    )
    shown, token = page(call, rows, limit, lambda row: row.name)
    return {"destinations": [_description(call, row) for row in shown], **token}  # type: ignore[typeddict-item]


def _arn(call: Call, name: str) -> str:
    return call.arn(f"destination:{name}")


def _description(call: Call, row: Destination) -> dict[str, Any]:
    described: dict[str, Any] = {
        "destinationName": row.name,
        "targetArn": row.target,
        "roleArn": row.role,
        "arn": _arn(call, row.name),
        "creationTime": row.created,
    }
    if row.access_policy:
        described["accessPolicy"] = row.access_policy
    return described
