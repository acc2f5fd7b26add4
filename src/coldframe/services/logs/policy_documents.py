"""IAM policy documents of destinations and log groups: validated before they are stored."""

from coldframe.identity.policies import parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.services.logs.lookup import invalid


def check(document: str, *, most_bytes: int) -> None:
    """Raise InvalidParameterException, naming the statement and the reason, for a document that is no resource policy."""
    size = len(document.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        raise invalid(f"The policy document has {size} bytes; at most {most_bytes} are possible.")
    try:
        parse_policy(document, "resource")
    except PolicyError as error:
        raise invalid(f"Invalid policy document: {error}") from error
