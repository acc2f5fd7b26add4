"""Trust policies that name a user or role: they follow its renaming, and after its deletion name its unique id.

AWS keeps the unique id of a principal, so that one made anew under the same name is not trusted. Source: IAM User
Guide, AWS JSON policy elements: Principal.
"""

import json
import re

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
    """Put `new` (an ARN or unique id) in place of the principal `old` in every trust policy."""
    quoted, replacement = json.dumps(old), json.dumps(new)
    for account, _, role in call.records.everywhere(Role):
        if quoted in role.trust:
            records = call.records.elsewhere(account=account)
            records.change(role, trust=role.trust.replace(quoted, replacement))


def _principals(document: str) -> list[object]:
    """Return the principals of each statement that allows."""
    statements = json.loads(document)["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    return [statement.get("Principal") for statement in listed]
