"""Constraints of the models, broken one by one, answered in AWS's words and under the service's code."""

import msgspec
import pytest
from botocore.model import ServiceModel

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway import patterns
from coldframe.gateway.protocols import protocol_of
from coldframe.gateway.validation import code_of, constraints, validate
from tests.gateway.protocols.models import SERVICES, service

ONE = "1 validation error detected: "


def refusal(service_name, operation, params, code=None):
    with pytest.raises(ServiceFault) as caught:
        validate(service(service_name).operation_model(operation), params, code)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("service_name", "operation", "params", "configured", "code"),
    [
        ("logs", "CreateScheduledQuery", {}, "InvalidParameterException", "ValidationException"),
        ("logs", "CreateLogGroup", {}, "InvalidParameterException", "InvalidParameterException"),
        ("sns", "Publish", {}, "InvalidParameter", "InvalidParameter"),
    ],
)
def test_the_code_is_one_that_the_operation_has(service_name, operation, params, configured, code):
    assert refusal(service_name, operation, params, configured)[0] == code


LOG_GROUP_PATTERN = "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
TAG = {"key": "k", "value": "v"}


@pytest.mark.parametrize(
    ("operation", "params", "message"),
    [
        (
            "CreateLogGroup",
            {},
            "Value null at 'logGroupName' failed to satisfy constraint: Member must not be null",
        ),
        (
            "DeleteMetricFilter",
            {"logGroupName": "g", "filterName": "a" * 1025},
            f"Value '{'a' * 1025}' at 'filterName' failed to satisfy constraint: Member must have length less than or equal to 512",
        ),
        (
            "DescribeLogStreams",
            {"logGroupIdentifier": "arn:g:*"},
            "Value at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*",
        ),
        (
            "CreateLogGroup",
            {"logGroupName": ""},
            "Value '' at 'logGroupName' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "CreateLogGroup",
            {"logGroupName": "a b"},
            f"Value 'a b' at 'logGroupName' failed to satisfy constraint: {LOG_GROUP_PATTERN}",
        ),
        (
            "DescribeLogGroups",
            {"limit": 51},
            "Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50",
        ),
        (
            "DescribeLogGroups",
            {"limit": 0},
            "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            "DescribeLogStreams",
            {"logGroupName": "g", "orderBy": "Size"},
            "Value 'Size' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]",
        ),
        (
            "PutLogEvents",
            {
                "logGroupName": "g",
                "logStreamName": "s",
                "logEvents": [{"timestamp": 1, "message": "m"}, {"timestamp": 1}],
            },
            "Value null at 'logEvents.2.member.message' failed to satisfy constraint: Member must not be null",
        ),
        (
            "PutLogEvents",
            {"logGroupName": "g", "logStreamName": "s", "logEvents": []},
            "Value at 'logEvents' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
    ],
)
def test_words_and_code_of_logs(operation, params, message):
    assert refusal("logs", operation, params) == ("InvalidParameterException", ONE + message)


@pytest.mark.parametrize("member", ["logGroupName", "logStreamName"])
def test_names_that_are_too_long_have_words_of_their_own(member):
    params = {"logGroupName": "g", "logStreamName": "s", member: "a" * 513}
    assert refusal("logs", "CreateLogStream", params) == (
        "InvalidParameterException",
        "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    )


def test_a_pattern_that_aws_does_not_hold_to_is_not_held_to():
    about = {"metricName": "m", "metricNamespace": "a:b", "metricValue": "1"}
    params = {"logGroupName": "g", "filterName": "f", "filterPattern": "", "metricTransformations": [about]}
    validate(service("logs").operation_model("PutMetricFilter"), params)


@pytest.mark.parametrize(
    ("operation", "params", "words"),
    [
        (
            "ResetServiceSpecificCredential",
            {"ServiceSpecificCredentialId": "with-hyphens-in-its-twenty-letters"},
            "Value at 'serviceSpecificCredentialId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w]+",
        ),
        (
            "UpdateServiceSpecificCredential",
            {"ServiceSpecificCredentialId": "A" * 21, "Status": "Invalid"},
            "Value at 'status' failed to satisfy constraint: Member must satisfy enum value set",
        ),
    ],
)
def test_iam_repeats_no_value_and_lists_none(operation, params, words):
    assert refusal("iam", operation, params) == ("ValidationError", ONE + words)


@pytest.mark.parametrize(
    ("operation", "params", "message"),
    [
        (
            "CreateUser",
            {"UserName": "a b"},
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
        ),
        (
            "CreateRole",
            {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Path": "p"},
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        ),
    ],
)
def test_iam_says_in_words_what_names_and_paths_may_have(operation, params, message):
    assert refusal("iam", operation, params) == ("ValidationError", message)


@pytest.mark.parametrize(
    ("operation", "params", "text", "reason"),
    [
        (
            "DescribeAccount",
            {"AccountId": "12"},
            "You provided a value that does not match the required pattern.",
            "INVALID_PATTERN",
        ),
        ("ListPolicies", {"Filter": "ANY"}, "You specified an invalid value.", "INVALID_ENUM"),
    ],
)
def test_organizations_gives_a_reason(operation, params, text, reason):
    with pytest.raises(ServiceFault) as caught:
        validate(service("organizations").operation_model(operation), params)
    assert (caught.value.code, caught.value.message) == ("InvalidInputException", text)
    assert caught.value.members == {"Reason": reason}


def test_items_of_a_list_are_said_with_all_constraints_of_the_member():
    code, message = refusal(
        "logs", "FilterLogEvents", {"logGroupName": "g", "logStreamNames": ["ok", "no:colon"]}
    )
    assert code == "InvalidParameterException"
    assert message == (
        ONE
        + "Value '[ok, no:colon]' at 'logStreamNames' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must have length less than or equal to 512, Member must have length greater than or equal to 1, "
        "Member must satisfy regular expression pattern: [^:*]*]"
    )


def test_keys_and_values_of_a_map():
    _, keys = refusal("logs", "CreateLogGroup", {"logGroupName": "g", "tags": {"": "v"}})
    assert (
        "at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length"
        in keys
    )
    _, values = refusal("logs", "CreateLogGroup", {"logGroupName": "g", "tags": {"k": "v" * 257}})
    assert (
        "at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length"
        in values
    )


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"logGroupName": "g", "logStreamName": "s", "logEvents": [None]}, "logEvents.1.member"),
        (
            {
                "logGroupName": "g",
                "logStreamName": "s",
                "logEvents": [{"timestamp": 1, "message": "m"}, None],
            },
            "logEvents.2.member",
        ),
    ],
)
def test_null_is_no_element(params, place):
    """A decoder that lets null through must not hand it to a handler."""
    operation = service("logs").operation_model("PutLogEvents")
    sent = WireRequest("POST", "/", "", {}, msgspec.json.encode(params))
    parsed = protocol_of(service("logs"), "json").parse(operation, sent)
    with pytest.raises(ServiceFault) as caught:
        validate(operation, parsed)
    assert (
        caught.value.message
        == ONE + f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
    )


def test_null_is_no_value_of_a_map():
    _, message = refusal("logs", "CreateLogGroup", {"logGroupName": "g", "tags": {"k": None}})
    assert (
        message == ONE + "Value null at 'tags.k.member' failed to satisfy constraint: Member must not be null"
    )


def test_several_errors_are_counted_and_joined():
    _, message = refusal("logs", "PutLogEvents", {})
    assert message == (
        "3 validation errors detected: "
        "Value null at 'logGroupName' failed to satisfy constraint: Member must not be null; "
        "Value null at 'logStreamName' failed to satisfy constraint: Member must not be null; "
        "Value null at 'logEvents' failed to satisfy constraint: Member must not be null"
    )


def test_the_number_of_errors_has_a_bound():
    events = [{"timestamp": 1}] * 10_000
    _, message = refusal(
        "logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s", "logEvents": events}
    )
    assert message.startswith("100 validation errors detected: ")


@pytest.mark.parametrize(
    ("service_name", "operation", "params", "code"),
    [
        ("kms", "DescribeKey", {}, "ValidationException"),
        ("iam", "CreateRole", {"RoleName": "r"}, "ValidationError"),
        ("ec2", "DeleteVolume", {}, "MissingParameter"),
        ("oam", "CreateSink", {}, "ValidationException"),
        ("transcribe", "GetTranscriptionJob", {}, "BadRequestException"),
    ],
)
def test_each_service_has_its_code(service_name, operation, params, code):
    assert refusal(service_name, operation, params)[0] == code


def test_ec2_names_the_missing_parameter():
    assert refusal("ec2", "DeleteVolume", {})[1] == "The request must contain the parameter VolumeId"


def test_the_code_can_be_overridden():
    assert refusal("kms", "DescribeKey", {}, "InvalidArnException")[0] == "InvalidArnException"


@pytest.mark.parametrize("name", SERVICES)
def test_codes_of_the_table_are_modelled_where_the_model_has_faults(name):
    generic = {
        "ValidationException",
        "ValidationError",
        "InvalidParameterValue",
        "InvalidRequest",
        "InvalidArgument",
    }
    code = code_of(service(name))
    model = service(name)
    assert code in generic or any(code in {shape.name, shape.error_code} for shape in model.error_shapes), (
        code
    )


def test_secrets_are_not_echoed():
    _, message = refusal(
        "secretsmanager", "PutSecretValue", {"SecretId": "s", "SecretString": "hunter2" * 10_000}
    )
    assert message.startswith(
        ONE + "Value at 'secretString' failed to satisfy constraint: Member must have length"
    )
    assert "hunter2" not in message


def test_secrets_inside_lists_and_maps_are_not_echoed():
    document = {
        "metadata": {"endpointPrefix": "x", "protocol": "json", "apiVersion": "1"},
        "operations": {"Do": {"name": "Do", "http": {}, "input": {"shape": "In"}}},
        "shapes": {
            "In": {"type": "structure", "members": {"list": {"shape": "List"}, "map": {"shape": "Map"}}},
            "List": {"type": "list", "member": {"shape": "Secret"}},
            "Map": {"type": "map", "key": {"shape": "Key"}, "value": {"shape": "Secret"}},
            "Secret": {"type": "string", "max": 3, "sensitive": True},
            "Key": {"type": "string"},
        },
    }
    operation = ServiceModel(document, "x").operation_model("Do")
    with pytest.raises(ServiceFault) as caught:
        validate(operation, {"list": ["hunter2"], "map": {"k": "hunter2"}})
    assert caught.value.message.startswith("2 validation errors detected")
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            {
                "logGroupName": "g" * 513,
                "logStreamName": "s",
                "logEvents": [{"timestamp": 1, "message": "m"}],
            },
            "512",
        ),
        (
            {"logGroupName": "g!", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]},
            "pattern",
        ),
        (
            {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": -1, "message": "m"}]},
            "timestamp",
        ),
        (
            {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": ""}]},
            "message",
        ),
        (
            {
                "logGroupName": "g",
                "logStreamName": "s",
                "logEvents": [{"timestamp": 1, "message": "m"}] * 10_001,
            },
            "10000",
        ),
        ({"logGroupName": "g", "logStreamName": "s", "logEvents": None}, "null at 'logEvents'"),
    ],
)
def test_what_the_decoder_checks_and_what_it_leaves_come_to_the_same(params, said):
    """The decoder's own check only spares the walk over parameters that are in order."""
    operation = service("logs").operation_model("PutLogEvents")
    sent = WireRequest("POST", "/", "", {}, msgspec.json.encode(params))
    parsed = protocol_of(service("logs"), "json").parse(operation, sent)
    with pytest.raises(ServiceFault) as fast:
        validate(operation, parsed)
    with pytest.raises(ServiceFault) as plain:
        validate(operation, dict(parsed))
    assert str(fast.value) == str(plain.value)
    assert said in fast.value.message


def test_parameters_in_order_pass():
    operation = service("logs").operation_model("PutLogEvents")
    params = {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}
    validate(operation, params)
    sent = WireRequest("POST", "/", "", {}, msgspec.json.encode(params))
    parsed = protocol_of(service("logs"), "json").parse(operation, sent)
    assert parsed.checked
    validate(operation, parsed)


def test_every_pattern_of_the_services_is_enforced_or_listed_with_a_reason():
    left_out = set()
    for name in SERVICES:
        model = service(name)
        for shape_name in model.shape_names:
            shape = model.shape_for(shape_name)
            pattern = shape.metadata.get("pattern") if shape.type_name == "string" else None
            if pattern is not None and patterns.full_match(pattern) is None:
                left_out.add(pattern)
    assert left_out == set(patterns.UNTRANSLATED)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*", "a😀\n", "\x01"),
        ("^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$", "été 1", "a\x00"),
        ("^(?!aws:)[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*$", "team", "aws:team"),
        ("[a-z0-9]{1,2000}", "a" * 2000, "a" * 2001),
        ("arn:aws[\\w-\\/.]+", "arn:aws-x/y", "arn:aws x"),
        ("a|b", "b", "ab"),
    ],
)
def test_java_patterns_match_whole_texts(pattern, good, bad):
    matches = patterns.full_match(pattern)
    assert matches(good)
    assert not matches(bad)


def test_a_pattern_is_not_tried_on_a_text_that_is_too_long():
    shape = service("logs").operation_model("CreateLogGroup").input_shape.members["logGroupName"]
    assert [words.split()[2] for words, _ in constraints(shape)] == ["have", "have", "satisfy"]
    _, message = refusal("logs", "DeleteMetricFilter", {"logGroupName": "g", "filterName": ":" * 600})
    assert message.startswith(ONE)
