"""Last accessed details: which of the services that an entity or a policy allows were used, when and by whom.

A use is known here once it was written down, which is at most a minute after it; AWS promises four hours.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.identity.records import Group, Role, ServiceUse, User
from coldframe.services.iam.answers import moment
from coldframe.services.iam.granting import allows, policies_of
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import Entity, arn_of
from coldframe.services.iam.policies_in_use import entities, get_policy_row
from coldframe.services.iam.records import AccessingEntity, LastAccessedReport
from coldframe.services.iam.sources import find_entity

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes

_KEPT = 7 * 24 * 3600


def generate_service_last_accessed_details(
    call: Call, request: "shapes.GenerateServiceLastAccessedDetailsRequestTypeDef"
) -> dict[str, Any]:
    """Make the report of a user, group, role or policy; it is ready at once, and kept for seven days."""
    if request.get("Granularity") == "ACTION_LEVEL":
        raise NotBuilt("Which actions were last used is not recorded in coldframe; ask for SERVICE_LEVEL.")
    documents, rows = _subject(call, request["Arn"])
    prefixes = [name for name in _names() if any(allows(document, name) for document in documents)]
    services = {name: [_entity(call, row, name) for row in rows] for name in prefixes}
    now = call.now // 1000
    for old in call.records.list(LastAccessedReport):
        if now - old.created > _KEPT:
            call.records.remove(old)
    report = LastAccessedReport(job=call.new_id(), created=now, services=services)
    call.records.add(report)
    return {"JobId": report.job}


def get_service_last_accessed_details(
    call: Call, request: "shapes.GetServiceLastAccessedDetailsRequestTypeDef"
) -> dict[str, Any]:
    """Return a page of a report: a row for each service that is allowed, used or not."""
    report = call.records.get(LastAccessedReport, request["JobId"])
    found, more = page(call, request, report.services.items(), lambda item: item[0])
    rows = [_service(name, entities) for name, entities in found]
    return {**_head(report), "JobType": "SERVICE_LEVEL", "ServicesLastAccessed": rows, **more}


def get_service_last_accessed_details_with_entities(
    call: Call, request: "shapes.GetServiceLastAccessedDetailsWithEntitiesRequestTypeDef"
) -> dict[str, Any]:
    """Return a page of the users and roles of a report that one service is allowed to."""
    report = call.records.get(LastAccessedReport, request["JobId"])
    namespace = request["ServiceNamespace"]
    if namespace not in report.services:
        raise ServiceFault("InvalidInput", f"The report has no service with the namespace {namespace}.")
    found, more = page(call, request, report.services[namespace], lambda entity: entity.arn)
    return {**_head(report), "EntityDetailsList": [_details(entity) for entity in found], **more}


@cache
def _names() -> dict[str, str]:
    text = files("coldframe.services.iam").joinpath("service_names.toml").read_text("utf-8")
    return tomllib.loads(text)


def _subject(call: Call, arn: str) -> tuple[list[str], list[User | Role]]:
    """Return the documents that allow something, and the users and roles that they allow it to."""
    if _is_policy(arn):
        policy = get_policy_row(call, arn)
        holders = [row for row in entities(call) if policy.arn in row.attached]
        people = {row.id: row for holder in holders for row in _people(call, holder)}
        return [policy.documents[policy.default]], list(people.values())
    entity = find_entity(call, arn)
    documents = [document for _, document in policies_of(call, entity)]
    if isinstance(entity, User):
        for name in entity.groups:
            documents += [document for _, document in policies_of(call, call.records.get(Group, name))]
    return documents, _people(call, entity)


def _is_policy(arn: str) -> bool:
    try:
        return arns.parse(arn).resource.startswith("policy/")
    except ValueError:
        return False


def _people(call: Call, entity: Entity) -> list[User | Role]:
    if isinstance(entity, Group):
        return [user for user in call.records.list(User) if entity.name in user.groups]
    return [entity]


def _entity(call: Call, row: User | Role, service: str) -> AccessingEntity:
    use = call.records.find(ServiceUse, row.id, service)
    return AccessingEntity(
        arn=arn_of(call, row),
        name=row.name,
        kind=type(row).__name__.upper(),
        id=row.id,
        path=row.path,
        used=0 if use is None else use.last_used,
        region="" if use is None else use.last_region,
    )


def _head(report: LastAccessedReport) -> dict[str, Any]:
    made = moment(report.created)
    return {"JobStatus": "COMPLETED", "JobCreationDate": made, "JobCompletionDate": made}


def _service(namespace: str, entities: list[AccessingEntity]) -> dict[str, Any]:
    users = [entity for entity in entities if entity.used]
    shape: dict[str, Any] = {
        "ServiceName": _names()[namespace],
        "ServiceNamespace": namespace,
        "TotalAuthenticatedEntities": len(users),
    }
    if users:
        last = max(users, key=lambda entity: (entity.used, entity.arn))
        shape["LastAuthenticated"] = moment(last.used)
        shape["LastAuthenticatedEntity"] = last.arn
        shape["LastAuthenticatedRegion"] = last.region
    return shape


def _details(entity: AccessingEntity) -> dict[str, Any]:
    info = {
        "Arn": entity.arn,
        "Name": entity.name,
        "Type": entity.kind,
        "Id": entity.id,
        "Path": entity.path,
    }
    used = {"LastAuthenticated": moment(entity.used)} if entity.used else {}
    return {"EntityInfo": info, **used}
