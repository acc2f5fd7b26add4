"""Tags of secrets."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.secretsmanager import replication
from coldframe.services.secretsmanager.lookup import account_of, changeable
from coldframe.services.secretsmanager.records import Secret
from coldframe.services.secretsmanager.tagging import with_tags


def tag_resource(call: Call, request: dict[str, Any]) -> None:
    """Add tags to a secret, or change those of the same key."""
    name, account = changeable(call, request["SecretId"]).name, account_of(call, request["SecretId"])
    records = call.records.elsewhere(account=account)
    secret = records.get(Secret, name)
    tags = with_tags(call, secret.tags, request["Tags"])
    replication.spread(records, records.change(secret, tags=tags, tagged=True))


def untag_resource(call: Call, request: dict[str, Any]) -> None:
    """Take tags from a secret."""
    name, account = changeable(call, request["SecretId"]).name, account_of(call, request["SecretId"])
    records = call.records.elsewhere(account=account)
    secret, gone = records.get(Secret, name), set(request["TagKeys"])
    tags = {key: value for key, value in secret.tags.items() if key not in gone}
    replication.spread(records, records.change(secret, tags=tags, tagged=secret.tagged or bool(secret.tags)))
