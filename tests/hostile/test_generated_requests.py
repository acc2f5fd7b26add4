"""Every operation that is built, with random requests in its model's shape: an answer or a 4xx, never a failure inside."""

import logging
import os
from collections import Counter
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from coldframe.core.config import Settings
from coldframe.core.wire import WireRequest
from coldframe.identity.credentials import root, user_principal
from coldframe.identity.records import User
from coldframe.server.assembly import assemble
from coldframe.server.services import SERVICES
from tests.hostile.examples import EXAMPLES
from tests.hostile.requests import Requests

# The share of operations that some request must get through to, so that the test is not one of refusals only. Much of
# Organizations needs a second account that has accepted an invitation, AssumeRole a role whose trust fits by chance, and
# KMS a key of the kind and a ciphertext that the operation is for.
LEAST = {
    "firehose": 0.05,
    "kms": 0.3,
    "s3": 0.03,
    "organizations": 0.2,
    "rds": 0.3,
    "secretsmanager": 0.1,
    "sns": 0.3,
    "sts": 0.5,
}
ROUNDS = int(os.environ.get("COLDFRAME_FUZZ_ROUNDS", "10"))
SEED = int(os.environ.get("COLDFRAME_FUZZ_SEED", "1"))
ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def assembly(tmp_path_factory):
    settings = Settings(tmp_path_factory.mktemp("generated") / "data", dev=True)
    with assemble(settings) as made:
        made.reset()
        yield made


@pytest.fixture(scope="module")
def requests():
    """One supply of names for all services, so that STS finds IAM's roles."""
    return Requests(SEED)


class Caller:
    """Sends generated requests to one service as AWS's client would put them on the wire."""

    def __init__(self, assembly, service, requests):
        self.gateway = assembly.gateway
        self.service = assembly.services[service]
        self.requests = requests
        self.random = requests.random
        model = self.service.model
        protocol = model.metadata["protocol"]
        self.serializer = create_serializer(protocol, include_validation=False)
        self.parser = create_parser(protocol)
        self.scope = f"20260101/us-east-1/{model.signing_name}/aws4_request"

    def someone(self):
        """A user or root; what users may follows from the policies that were generated."""
        with self.gateway.installation.store.read() as transaction:
            users = transaction.records(ACCOUNT, "").list(User, limit=20)
        return self.random.choice([root(ACCOUNT), *(user_principal(ACCOUNT, user) for user in users)])

    def written(self, operation):
        """Random parameters and the request that a client makes of them."""
        while True:
            parameters = self.requests.parameters(operation)
            try:
                return parameters, self.serializer.serialize_to_request(parameters, operation)
            except (KeyError, OverflowError, ValueError):
                # botocore has no path without the members in it, and no CBOR for numbers beyond 64 bits and for
                # times beyond the year 9999.
                continue

    def send(self, name):
        """Send one random request of the operation; gives the status, the parsed answer and what was sent."""
        operation = self.service.model.operation_model(name)
        parameters, request = self.written(operation)
        address = urlsplit(request["url_path"])
        query = request.get("query_string") or {}
        body = request["body"]
        if isinstance(body, dict):
            body = urlencode(body, doseq=True).encode()
        elif isinstance(body, str):
            body = body.encode()
        headers = {key.lower(): str(value) for key, value in request["headers"].items()}
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/{self.scope}, SignedHeaders=host, Signature=0"
        )
        if request["method"] == "POST":
            headers.setdefault("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        wire = WireRequest(
            request["method"], address.path or "/", "&".join(filter(None, (address.query, urlencode(query, doseq=True)))), headers, body or b""
        )  # fmt: skip
        if self.random.random() < 0.2:
            answer = self.gateway.handle_as(wire, self.service.name, self.someone(), "us-east-1")
        else:
            answer = self.gateway.handle(wire)
        if not isinstance(answer.body, bytes):
            answer.body.close()
            return answer.status, {}, parameters
        response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
        parsed = self.parser.parse(response, operation.output_shape)
        if 200 <= answer.status < 300:
            self.requests.learn(parsed)
            self.requests.learn(parameters)
            self.requests.remember(operation, parameters)
        return answer.status, parsed, parameters


@pytest.mark.xdist_group(
    "generated requests"
)  # later services use what earlier ones answered: ARNs of roles, ids
def _turn(name):
    """What is made first, what ends things last."""
    return name.startswith(("Delete", "Leave", "Close")) - name.startswith(("Create", "Put", "Start"))


@pytest.mark.parametrize("service", [package.rpartition(".")[2] for package in SERVICES])
def test_no_request_breaks_an_operation(assembly, requests, service, caplog):
    caller = Caller(assembly, service, requests)
    for name in sorted(set(EXAMPLES) & set(caller.service.handlers)):
        requests.remember(caller.service.model.operation_model(name), EXAMPLES[name])
    operations = sorted(caller.service.handlers)
    broken, statuses = [], Counter()
    with caplog.at_level(logging.ERROR):
        for _ in range(ROUNDS):
            caller.random.shuffle(operations)
            # What is made comes before what needs it, as a client would go about it, in half of the rounds.
            if caller.random.random() < 0.5:
                operations.sort(key=_turn)
            for name in operations:
                for _ in range(4):
                    status, parsed, parameters = caller.send(name)
                    statuses[name, status] += 1
                    wrong = not 200 <= status < 400 and (
                        not 400 <= status < 500 or not parsed["Error"].get("Code")
                    )
                    if wrong and status != 501:
                        cause = str(caplog.records[-1].exc_info[1]) if caplog.records else ""
                        broken.append((name, status, parsed.get("Error"), cause[:300], str(parameters)[:500]))
    assert not broken, "\n".join({entry[0] + entry[3]: str(entry) for entry in broken}.values())
    answered = {name for name, status in statuses if 200 <= status < 300}
    assert len(answered) > LEAST.get(service, 0.6) * len(operations), sorted(set(operations) - answered)
