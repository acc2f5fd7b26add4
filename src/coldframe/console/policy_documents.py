"""The texts of the policies of a user or role, as they were written, and the statements that a simulation found in them."""

from typing import Any
from urllib.parse import unquote

from botocore.handlers import json_decode_policies

from coldframe.console.visit import Visit
from coldframe.core.client_errors import ClientError


class PolicyDocuments:
    """Reads policies through the API, each once; what the visitor may not read stays empty."""

    def __init__(self, visit: Visit, who: str) -> None:
        self._client = visit.client("iam")
        # Positions count characters of the text, which is lost where the client makes an object of it.
        self._client.meta.events.unregister("after-call.iam", json_decode_policies)
        self._kind, _, path = who.rpartition(":")[2].partition("/")
        self._name = path.rpartition("/")[2]
        self._texts: dict[str, str] = {}

    def cut(self, statement: dict[str, Any]) -> str:
        """Return the text of a matched statement; empty where its policy cannot be read."""
        source = statement["SourcePolicyId"]
        if source not in self._texts:
            try:
                self._texts[source] = self._read(source)
            except ClientError:
                self._texts[source] = ""
        text = self._texts[source]
        start, end = (statement.get(name) for name in ("StartPosition", "EndPosition"))
        # The start is told as the place behind the opening brace.
        return text[_offset(text, start) - 1 : _offset(text, end)] if text and start and end else ""

    def _read(self, source: str) -> str:
        return self._inline(source) or self._of_group(source) or self._managed(source)

    def _inline(self, source: str) -> str:
        client, prefix = self._client, f"{self._kind}_{self._name}_"
        if not source.startswith(prefix):
            return ""
        name = source.removeprefix(prefix)
        if self._kind == "role":
            if name not in client.list_role_policies(RoleName=self._name)["PolicyNames"]:
                return ""
            answer = client.get_role_policy(RoleName=self._name, PolicyName=name)
        else:
            if name not in client.list_user_policies(UserName=self._name)["PolicyNames"]:
                return ""
            answer = client.get_user_policy(UserName=self._name, PolicyName=name)
        return unquote(answer["PolicyDocument"])

    def _of_group(self, source: str) -> str:
        client = self._client
        if self._kind != "user" or not source.startswith("group_"):
            return ""
        for group in client.list_groups_for_user(UserName=self._name)["Groups"]:
            group_name = group["GroupName"]
            name = source.removeprefix(f"group_{group_name}_")
            if name != source and name in client.list_group_policies(GroupName=group_name)["PolicyNames"]:
                answer = client.get_group_policy(GroupName=group_name, PolicyName=name)
                return unquote(answer["PolicyDocument"])
        return ""

    def _managed(self, source: str) -> str:
        client = self._client
        arn = next((arn for arn in self._attached() if arn.rpartition("/")[2] == source), "")
        if not arn:
            return ""
        version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = client.get_policy_version(PolicyArn=arn, VersionId=version)
        return unquote(answer["PolicyVersion"]["Document"])

    def _attached(self) -> list[str]:
        client = self._client
        if self._kind == "role":
            found = client.list_attached_role_policies(RoleName=self._name)["AttachedPolicies"]
            return [each["PolicyArn"] for each in found]
        found = list(client.list_attached_user_policies(UserName=self._name)["AttachedPolicies"])
        for group in client.list_groups_for_user(UserName=self._name)["Groups"]:
            found += client.list_attached_group_policies(GroupName=group["GroupName"])["AttachedPolicies"]
        return [each["PolicyArn"] for each in found]


def _offset(text: str, position: dict[str, int]) -> int:
    """Return where a position of line and column, both from one, lies in a text."""
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: position["Line"] - 1])) + position["Column"] - 1
