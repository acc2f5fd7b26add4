"""The KMS keys of log groups: data keys wrapped by KMS, unwrapped for each batch and each read, and kept nowhere.

CloudWatch Logs asks KMS as the service itself, in the encryption context `aws:logs:arn`, as documented: a key's policy
must let `logs.REGION.amazonaws.com` in. A key that is disabled or gone makes its events unreadable at once.
"""

import base64
import threading
from typing import Any

from msgspec.structs import replace

from coldframe.core import arns
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.logstore.covering import Cover
from coldframe.identity.caller import Caller
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import GroupCover, LogGroup

_CONTEXT = "aws:logs:arn"
_UNUSABLE = frozenset({"NotFoundException", "DisabledException", "KMSInvalidStateException"})


class GroupKeys:
    """Gives the log store the keys of covered rows."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def covered(self, group: str) -> bool:
        """Tell whether a group, by its id in the log store, may have covered events."""
        return self._installation.store.cached(GroupCover, "", "", group) is not None

    def opened(self, group: str, number: int) -> bytes:
        """Return a key of a group; raises AccessDeniedException when KMS does not give it."""
        about = self._installation.store.cached(GroupCover, "", "", group)
        if about is None or number >= len(about.wrapped):
            raise _not_allowed("")
        return self._unwrapped(about, number)

    def cover(self, account: str, region: str, name: str) -> Cover | None:
        """Return what new events of a group are covered with, None for a group without a key."""
        store = self._installation.store
        group = store.cached(LogGroup, account, region, name)
        if group is None or not group.kms_key:
            return None
        about = store.cached(GroupCover, "", "", group.id)
        if about is None:
            raise _not_allowed(f"arn:{arns.partition_of(region)}:logs:{region}:{account}:log-group:{name}")
        number = len(about.wrapped) - 1
        return Cover(number, self._unwrapped(about, number))

    def make(self, group_arn: str, kms_key: str) -> str:
        """Return a new data key for a group, wrapped. No transaction may be open.

        Raises InvalidParameterException for a key that is not there or not enabled, AccessDeniedException for one that
        does not let CloudWatch Logs in.
        """
        if not kms_key.startswith("arn:") or ":key/" not in kms_key:
            raise invalid(f"The specified KMS key {kms_key} is not the ARN of a key.")
        try:
            made = self._client(group_arn).generate_data_key_without_plaintext(
                KeyId=kms_key, KeySpec="AES_256", EncryptionContext={_CONTEXT: group_arn}
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "AccessDeniedException":
                raise _not_allowed(group_arn) from error
            text = error.response["Error"]["Message"]
            what = "does not exist or is disabled" if code in _UNUSABLE else "cannot be used for log groups"
            raise invalid(f"The specified KMS key {kms_key} {what}: {text}") from error
        return base64.b64encode(made["CiphertextBlob"]).decode()

    def _unwrapped(self, about: GroupCover, number: int) -> bytes:
        try:
            found = self._client(about.arn).decrypt(
                KeyId=about.kms_keys[number],
                CiphertextBlob=base64.b64decode(about.wrapped[number]),
                EncryptionContext={_CONTEXT: about.arn},
            )
        except ClientError as error:
            raise _not_allowed(about.arn) from error
        return bytes(found["Plaintext"])

    def _client(self, group_arn: str) -> Any:
        """Return a client of KMS for a group, kept, because each batch asks for one."""
        with self._lock:
            client = self._clients.get(group_arn)
            if client is None:
                region = arns.parse(group_arn).region
                principal = Caller(kind="service", arn=f"logs.{region}.amazonaws.com", source_arn=group_arn)
                assert self._installation.clients is not None, "the server has clients before services act"
                client = self._installation.clients("kms", principal=principal, region=region)
                if len(self._clients) >= 256:
                    self._clients.clear()
                self._clients[group_arn] = client
            return client


def with_key(records: Records, group: LogGroup, arn: str, kms_key: str, wrapped: str) -> LogGroup:
    """Return the group with a key for the events to come; the keys it had stay, for what they cover."""
    about = records.find(GroupCover, group.id) or GroupCover(
        group_id=group.id, arn=arn, kms_keys=[], wrapped=[]
    )
    records.put(replace(about, kms_keys=[*about.kms_keys, kms_key], wrapped=[*about.wrapped, wrapped]))
    return replace(group, kms_key=kms_key)


def _not_allowed(arn: str) -> ServiceFault:
    text = f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
    return ServiceFault("AccessDeniedException", text)
