"""What Organizations remembers beside identity's records: requests for accounts, and handshakes."""

from coldframe.core.records import Record, record


@record(
    "organizations_account_requests",
    key=("id",),
    index=("organization", "state"),
    scope="partition",
    missing=(
        "CreateAccountStatusNotFoundException",
        "We can't find a create account request with the CreateAccountRequestId that you specified.",
    ),
)
class AccountRequest(Record):
    """A request for a new account and what became of it; times are seconds since the epoch."""

    id: str
    organization: str
    name: str
    state: str
    requested: int
    completed: int = 0
    account: str = ""
    reason: str = ""


@record(
    "organizations_handshakes",
    key=("id",),
    index=("organization", "account"),
    scope="partition",
    missing=(
        "HandshakeNotFoundException",
        "We can't find a handshake with the HandshakeId that you specified.",
    ),
)
class Handshake(Record):
    """An invitation of an account into an organization; `email` when it was invited by that; times are milliseconds.

    `decided` is when it was accepted, declined or canceled. An open one whose time has come counts as expired.
    """

    id: str
    organization: str
    account: str
    management: str
    state: str
    requested: int
    expires: int
    decided: int = 0
    email: str = ""
    notes: str = ""
    tags: dict[str, str] = {}
