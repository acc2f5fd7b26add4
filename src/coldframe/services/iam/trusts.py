"""Trust policies that name a user or role: they follow its renaming, and after its deletion name its unique id.

AWS keeps the unique id of a principal, so that one made anew under the same name is not trusted. Source: IAM User
Guide, AWS JSON policy elements: Principal.
"""

import json
import re
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Account, Role, User

_ENTITY = re.compile(r'"arn:aws[a-z-]*:iam::(\d{12}):(user|role)/([^"*?]+)"')


def check_principals(call: Call, document: str) -> None:
    """Raise MalformedPolicyDocument when a trust policy names a user or role that an account here does not have."""
    for found in _ENTITY.finditer(json.dumps(_principals(document))):
        account, kind, name = found.groups()
        if account != call.account and call.records.find(Account, account) is None:
            continue
        path, _, name = f"/{name}".rpartition("/")
        row = call.records.elsewhere(account=account).find(User if kind == "user" else Role, name)
        if row is None or getattr(row, "path", "") != f"{path}/":
            raise ServiceFault(
                "MalformedPolicyDocument", f'Invalid principal in policy: "AWS":{found.group()}'
            )


def replace_principal(call: Call, old: str, new: str) -> None:
    """Put `new` (an ARN or unique id) in place of the principal `old` in every trust policy.

    The documents are taken apart for it: JSON may write one ARN in several ways, and a condition that names it stays.
    """
    for account, _, role in call.records.everywhere(Role):
        document = json.loads(role.trust)
        if _replace(document, old, new):
            call.records.elsewhere(account=account).change(role, trust=json.dumps(document))


def _replace(document: Any, old: str, new: str) -> bool:
    """Replace a principal in the statements of a parsed document; return whether it was there."""
    found = False
    for statement in _statements(document):
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            values = named.get("AWS") if isinstance(named, dict) else None
            if values == old:
                named["AWS"] = new
                found = True
            elif isinstance(values, list) and old in values:
                named["AWS"] = [new if value == old else value for value in values]
                found = True
    return found


def _principals(document: str) -> list[Any]:
    """Return what each statement names as principals."""
    return [statement.get("Principal") for statement in _statements(json.loads(document))]


def _statements(document: Any) -> list[Any]:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]
