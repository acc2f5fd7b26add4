"""What verifying takes and gives: the secret of an access key, what the gateway expects, and who it was."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Family = Literal["query", "json", "rest-json", "ec2", "s3"]


@dataclass(frozen=True, slots=True)
class Secret:
    """What belongs to an access key id. `principal` is whatever the caller of `verify` wants back.

    `session_token` and `expires` (aware, UTC) are set for the temporary credentials of a role session.
    """

    secret_key: str = field(repr=False)
    principal: Any = None
    session_token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


FindSecret = Callable[[str], Secret | None]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the gateway knows of the call before its signature is looked at.

    `services` and `regions` are the signing names and regions accepted (empty: any). `anonymous` lets a request
    without any signature through. `bucket` is the S3 bucket that the Host header named, for Signature Version 2.
    """

    family: Family
    services: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    anonymous: bool = False
    bucket: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its own signature, from the Authorization header or the query."""

    access_key_id: str
    scope_date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    presigned: bool = False
    expires_seconds: int | None = None

    @property
    def scope(self) -> str:
        """The credential scope, as it stands in the string to sign."""
        return f"{self.scope_date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class Verified:
    """Who made a request, and what its signature covers. `date` is when it was signed.

    `payload` is the value that stood for the body in the signature: a hash, UNSIGNED-PAYLOAD or a STREAMING word;
    for the latter `coldframe.gateway.signature.chunked.decode_body` checks and takes off the chunks.
    """

    access_key_id: str = ""
    principal: Any = None
    date: datetime | None = None
    region: str = ""
    service: str = ""
    signed_headers: tuple[str, ...] = ()
    anonymous: bool = False
    payload: str = ""
    signature: str = ""
    presigned: bool = False
    family: Family = "query"
    secret_key: str = field(default="", repr=False)
