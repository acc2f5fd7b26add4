"""The policy simulator: the same evaluation that decides requests, put to policies and circumstances at choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.identity.caller import Caller
from coldframe.identity.evaluate import AttachedPolicy, Decision, Level, Matched, PolicySet, evaluate
from coldframe.identity.policies import Policy, PolicyKind, compiled_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.identity.request import Request
from coldframe.services.iam.context_keys import context_keys
from coldframe.services.iam.positions import statement_positions
from coldframe.services.iam.sources import Source

EVERY_RESOURCE = "*"
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@dataclass
class Circumstances:
    """Who calls, under which policies; `sources` are named by their index in AttachedPolicy."""

    caller: Caller
    resource_owner: str = ""
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    identity: list[AttachedPolicy] = field(default_factory=list)
    boundary: AttachedPolicy | None = None
    resource: AttachedPolicy | None = None
    scps: Sequence[Level] = ()

    def attached(self, source: Source, kind: PolicyKind) -> AttachedPolicy:
        """Return a policy as the evaluation takes it, and remember where it came from."""
        name = str(len(self.sources))
        self.sources[name] = source
        return AttachedPolicy(name, check_input(source.document, kind))


def check_input(document: str, kind: PolicyKind) -> Policy:
    """Return a policy given to the simulator compiled; raises InvalidInput, which names statement and reason."""
    try:
        return compiled_policy(document, kind)
    except PolicyError as error:
        raise ServiceFault("InvalidInput", str(error)) from error


def inputs(documents: Sequence[str], member: str) -> list[Source]:
    """Return documents of a request's member as sources, named `member.1` and so on."""
    return [Source(f"{member}.{number}", text) for number, text in enumerate(documents, 1)]


def simulate(action: str, resource: str, given: Circumstances) -> dict[str, Any]:
    """Return the EvaluationResult of one action on one resource."""
    request = Request(given.caller, action, resource, given.resource_owner, given.context)
    decision = evaluate(
        request,
        PolicySet(identity=given.identity, boundary=given.boundary, scps=given.scps, resource=given.resource),
    )
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision.eval_decision,
        "MatchedStatements": _matched(decision, given),
        "MissingContextValues": [
            key
            for key in context_keys(source.document for source in given.sources.values())
            if not request.values(key.lower())
        ],
        # What identity and resource policies decided each is told of two accounts alone.
        "EvalDecisionDetails": {},
    }
    if resource != EVERY_RESOURCE:
        result["ResourceSpecificResults"] = [
            {
                "EvalResourceName": resource,
                "EvalResourceDecision": result["EvalDecision"],
                "MatchedStatements": result["MatchedStatements"],
                "MissingContextValues": result["MissingContextValues"],
            }
        ]
    if given.scps:
        allowed = evaluate(request, PolicySet(identity=(_all(),), scps=given.scps)).allowed
        result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": allowed}
    if given.boundary is not None:
        allowed = evaluate(request, PolicySet(identity=(_all(),), boundary=given.boundary)).allowed
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    return result


def _matched(decision: Decision, given: Circumstances) -> list[dict[str, Any]]:
    return [
        _statement(found, given.sources[found.policy])
        for found in decision.matched
        if found.policy in given.sources
    ]


def _statement(found: Matched, source: Source) -> dict[str, Any]:
    start, end = statement_positions(source.document)[found.statement_index]
    return {
        "SourcePolicyId": source.id,
        "SourcePolicyType": source.type,
        "StartPosition": start,
        "EndPosition": end,
    }


def _all() -> AttachedPolicy:
    return AttachedPolicy("everything", compiled_policy(_EVERYTHING, "identity"))
