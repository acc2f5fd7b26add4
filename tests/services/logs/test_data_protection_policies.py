"""PutDataProtectionPolicy, GetDataProtectionPolicy, DeleteDataProtectionPolicy: schema, limits and what they show."""

import copy
import json

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server

ARN = "arn:aws:dataprotection::aws:data-identifier/"
EMAIL = f"{ARN}EmailAddress"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("protection") / "data") as server:
        client = server.client("logs")
        for name in ("g", "findings"):
            client.create_log_group(logGroupName=name)
            client.create_log_stream(logGroupName=name, logStreamName="s")
        client.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
        yield server


@pytest.fixture
def logs(running):
    return running.client("logs")


def document(*identifiers, destination=None, custom=None, **more):
    """The policy of the documentation's example, with other identifiers."""
    identifiers = list(identifiers) or [EMAIL]
    made = {
        "Name": "data-protection-policy",
        "Description": "an example",
        "Version": "2021-06-01",
        "Statement": [
            {
                "Sid": "audit-policy",
                "DataIdentifier": identifiers,
                "Operation": {"Audit": {"FindingsDestination": destination or {}}},
            },
            {
                "Sid": "redact-policy",
                "DataIdentifier": identifiers,
                "Operation": {"Deidentify": {"MaskConfig": {}}},
            },
        ],
    }
    if custom is not None:
        made["Configuration"] = {"CustomDataIdentifier": [{"Name": n, "Regex": r} for n, r in custom]}
    return made | more


def changed(change):
    """The example with something changed in place."""
    made = copy.deepcopy(document())
    change(made)
    return made


def statement(number, **members):
    return lambda made: made["Statement"][number].update(members)


def operation(number, value):
    return statement(number, Operation=value)


def put(client, policy, group="g"):
    text = policy if isinstance(policy, str) else json.dumps(policy)
    return client.put_data_protection_policy(logGroupIdentifier=group, policyDocument=text)


def refused(call, *args, **parameters):
    with pytest.raises(ClientError) as caught:
        call(*args, **parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_put_get_delete(logs, running):
    text, before = json.dumps(document()), running.clock.milliseconds()
    assert "dataProtectionStatus" not in status(logs)
    arn = f"arn:aws:logs:us-east-1:{running.account}:log-group:g"
    answer = logs.put_data_protection_policy(logGroupIdentifier=arn, policyDocument=text)
    assert (answer["logGroupIdentifier"], answer["policyDocument"]) == (arn, text)
    assert before <= answer["lastUpdatedTime"] <= running.clock.milliseconds()
    found = logs.get_data_protection_policy(logGroupIdentifier="g")
    assert (found["logGroupIdentifier"], found["policyDocument"]) == ("g", text)
    assert found["lastUpdatedTime"] == answer["lastUpdatedTime"]
    assert status(logs)["dataProtectionStatus"] == "ACTIVATED"
    logs.delete_data_protection_policy(logGroupIdentifier="g")
    assert "policyDocument" not in logs.get_data_protection_policy(logGroupIdentifier="g")
    assert status(logs)["dataProtectionStatus"] == "DELETED"
    put(logs, document())
    assert status(logs)["dataProtectionStatus"] == "ACTIVATED"


def status(client):
    return client.describe_log_groups(logGroupIdentifiers=["g"])["logGroups"][0]


TEN = [(f"custom-{number}", f"ID{number}-[0-9]+") for number in range(10)]


@pytest.mark.parametrize(
    "policy",
    [
        document(),
        document(f"{ARN}Ssn-US", f"{ARN}CreditCardNumber", f"{ARN}OpenSshPrivateKey", f"{ARN}Name"),
        document(EMAIL.replace("arn:aws:", "arn:aws-cn:")),
        document(destination={"CloudWatchLogs": {"LogGroup": "findings"}}),
        document("EmployeeId", EMAIL, custom=[("EmployeeId", r"EID-\d{9}")]),
        document(*(name for name, _ in TEN), custom=TEN),
        document("a" * 128, custom=[("a" * 128, "x" * 200)]),
        changed(lambda made: made["Statement"].reverse()),
        changed(lambda made: [made.pop(member) for member in ("Name", "Description", "Version")]),
        changed(lambda made: [each.pop("Sid") for each in made["Statement"]]),
    ],
)
def test_policies_that_are_taken(logs, policy):
    put(logs, policy)
    assert json.loads(logs.get_data_protection_policy(logGroupIdentifier="g")["policyDocument"]) == policy


def test_exactly_as_long_as_may_be(logs):
    text = json.dumps(document())
    longest = text.replace("an example", "x" * (30_720 - len(text) + len("an example")))
    assert len(longest) == 30_720
    put(logs, longest)
    code, reason = refused(put, logs, longest.replace("xxx", "xxxx", 1))
    assert code == "InvalidParameterException"
    assert "30721" in reason


CUSTOM = "Configuration"

REFUSED = {
    "not JSON": ("{", "not valid JSON"),
    "no object": ("[]", "must be a JSON object"),
    "a member twice": ('{"Name": "a", "Name": "b", "Statement": []}', "'Name' is there twice"),
    "an unknown member": (document(Id="x"), "unknown member 'Id'"),
    "no statements": (changed(lambda made: made.pop("Statement")), "Statement is missing"),
    "another version": (document(Version="2012-10-17"), "Version must be 2021-06-01"),
    "a name that is no text": (document(Name=5), "Name must be text"),
    "a description that is no text": (document(Description=[]), "Description must be text"),
    "one statement": (changed(lambda made: made["Statement"].pop()), "a list of two"),
    "three statements": (
        changed(lambda made: made["Statement"].append(made["Statement"][0])),
        "a list of two",
    ),
    "two audits": (
        changed(operation(1, {"Audit": {"FindingsDestination": {}}})),
        "both statements have a Audit operation",
    ),
    "two masks": (
        changed(operation(0, {"Deidentify": {"MaskConfig": {}}})),
        "both statements have a Deidentify",
    ),
    "a statement that is none": (
        changed(lambda made: made["Statement"].insert(0, made["Statement"].pop() and 5)),
        "statement 1",
    ),
    "an unknown member in a statement": (
        changed(statement(1, Effect="Allow")),
        "statement 2: unknown member 'Effect'",
    ),
    "no operation": (
        changed(lambda made: made["Statement"][0].pop("Operation")),
        "statement 1: Operation is missing",
    ),
    "no identifiers": (
        changed(lambda made: made["Statement"][1].pop("DataIdentifier")),
        "statement 2: DataIdentifier",
    ),
    "an empty list of identifiers": (changed(statement(0, DataIdentifier=[])), "statement 1: DataIdentifier"),
    "one text for a list": (changed(statement(0, DataIdentifier=EMAIL)), "statement 1: DataIdentifier"),
    "an identifier that is no text": (changed(statement(0, DataIdentifier=[5])), "statement 1"),
    "an identifier twice": (document(EMAIL, EMAIL), "is there twice"),
    "other identifiers": (changed(statement(1, DataIdentifier=[f"{ARN}Ssn-US"])), "statement 2"),
    "an unknown managed identifier": (document(f"{ARN}ShoeSize"), "no managed data identifier 'ShoeSize'"),
    "a name without its ARN": (document("EmailAddress"), "'EmailAddress' is neither"),
    "an undefined custom identifier": (document("EmployeeId"), "'EmployeeId' is neither"),
    "both operations in one": (
        changed(operation(0, {"Audit": {"FindingsDestination": {}}, "Deidentify": {"MaskConfig": {}}})),
        "exactly one of Audit and Deidentify",
    ),
    "an empty operation": (changed(operation(0, {})), "exactly one of Audit and Deidentify"),
    "an unknown operation": (changed(operation(0, {"Block": {}})), "unknown member 'Block'"),
    "a mask with settings": (
        changed(operation(1, {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}})),
        "MaskConfig must be",
    ),
    "no mask": (changed(operation(1, {"Deidentify": {}})), "MaskConfig is missing"),
    "no destinations": (changed(operation(0, {"Audit": {}})), "FindingsDestination is missing"),
    "an unknown destination": (document(destination={"SNS": {"Topic": "t"}}), "unknown member 'SNS'"),
    "a destination without a group": (document(destination={"CloudWatchLogs": {}}), "LogGroup is missing"),
    "a destination with an empty group": (
        document(destination={"CloudWatchLogs": {"LogGroup": ""}}),
        "LogGroup must be",
    ),
    "its own findings": (
        document(destination={"CloudWatchLogs": {"LogGroup": "g"}}),
        "its own data protection policy",
    ),
    "a destination that can be no group": (
        document(destination={"CloudWatchLogs": {"LogGroup": "a b"}}),
        "is not the name of a log group",
    ),
    "half a character": (document(Name="\ud800"), "not valid JSON"),
    "eleven custom identifiers": (document(custom=[*TEN, ("more", "x")]), "at most 10"),
    "a custom name with a space": (document(custom=[("a b", "x")]), "custom data identifier 1: Name"),
    "a custom name too long": (document(custom=[("a" * 129, "x")]), "custom data identifier 1: Name"),
    "an empty custom name": (document(custom=[("", "x")]), "custom data identifier 1: Name"),
    "the name of a managed one": (
        document(custom=[("EmailAddress", "x")]),
        "name of a managed data identifier",
    ),
    "a custom name twice": (document(custom=[("a", "x"), ("a", "y")]), "custom data identifier 2"),
    "an empty regex": (document(custom=[("a", "")]), "1 to 200 characters"),
    "a regex too long": (document(custom=[("a", "x" * 201)]), "1 to 200 characters"),
    "a regex with a group": (document(custom=[("a", "(x)")]), "not supported"),
    "a regex with a letter that is not allowed": (document(custom=[("a", "ä")]), "not supported"),
    "a regex that is none": (document("a", custom=[("a", "[z-")]), "'a'"),
    "a configuration that is none": (document(Configuration=[]), "Configuration must be"),
    "an unknown setting": (document(Configuration={"Mask": 1}), "unknown member 'Mask'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_policies_that_are_refused(logs, name):
    policy, words = REFUSED[name]
    before = logs.get_data_protection_policy(logGroupIdentifier="g").get("policyDocument")
    code, reason = refused(put, logs, policy)
    assert code == "InvalidParameterException"
    assert words in reason
    assert logs.get_data_protection_policy(logGroupIdentifier="g").get("policyDocument") == before


@pytest.mark.parametrize("destination", [{"Firehose": {"DeliveryStream": "d"}}])
def test_destinations_that_are_not_built_say_so(logs, destination):
    code, text = refused(put, logs, document(destination=destination))
    assert code == "NotImplemented"
    assert "not built" in text


def test_groups_that_are_missing_or_of_another_class(logs):
    policy = document(destination={"CloudWatchLogs": {"LogGroup": "missing"}})
    code, text = refused(put, logs, policy)
    assert code == "ResourceNotFoundException"
    assert "missing" in text
    assert refused(put, logs, document(), group="missing")[0] == "ResourceNotFoundException"
    assert refused(put, logs, document(), group="rare")[0] == "InvalidParameterException"
    for call in (logs.get_data_protection_policy, logs.delete_data_protection_policy):
        assert refused(call, logGroupIdentifier="missing")[0] == "ResourceNotFoundException"


def test_a_stored_policy_is_in_force_with_the_next_event(logs, running):
    def send(text):
        now = running.clock.milliseconds()
        logs.put_log_events(
            logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": text}]
        )

    def seen(group="g"):
        return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]

    logs.delete_data_protection_policy(logGroupIdentifier="g")
    send("clear ann@example.com")
    custom = [("EmployeeId", r"EID-\d{9}")]
    put(
        logs,
        document(
            "EmployeeId", EMAIL, custom=custom, destination={"CloudWatchLogs": {"LogGroup": "findings"}}
        ),
    )
    send("masked ann@example.com EID-123456789")
    logs.delete_data_protection_policy(logGroupIdentifier="g")
    send("clear again ann@example.com")
    assert seen() == [
        "clear ann@example.com",
        "masked *************** *************",
        "clear again ann@example.com",
    ]
    (report,) = map(json.loads, seen("findings"))
    assert {each["name"]: each["count"] for each in report["dataIdentifiers"]} == {
        "EmployeeId": 1,
        "EmailAddress": 1,
    }
