"""Bad input of every sort is a fault with AWS's code and a 4xx status, never another exception."""

import json
from urllib.parse import urlencode

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols import protocol_of
from tests.gateway.protocols.models import service

BOUNDED = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
PUT_EVENTS = {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}
LIFECYCLE = b"<LifecycleConfiguration><Rule><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
TARGETS = {
    "json": ("logs", "PutLogEvents", json.dumps(PUT_EVENTS).encode()),
    "recursive json": ("dynamodb", "PutItem", b'{"TableName":"t","Item":{"a":{"M":{"b":{"S":"c"}}}}}'),
    "query": (
        "rds",
        "CreateDBInstance",
        b"Action=CreateDBInstance&Version=2014-10-31&AllocatedStorage=5&Tags.Tag.1.Key=k",
    ),
    "ec2": (
        "ec2",
        "RunInstances",
        b"Action=RunInstances&MinCount=1&MaxCount=2&TagSpecification.1.Tag.1.Key=k",
    ),
    "smithy-rpc-v2-cbor": (
        "cloudwatch",
        "PutMetricData",
        cbor2.dumps({"Namespace": "n", "MetricData": [{"Value": 1.5}]}),
    ),
    "rest-json": ("backup", "CreateBackupVault", b'{"BackupVaultTags":{"a":"b"}}'),
    "rest-xml": ("s3", "PutBucketLifecycleConfiguration", LIFECYCLE),
}
PATHS = {"rest-json": "/backup-vaults/name", "rest-xml": "/bucket"}


def parse(kind, body, query="", **headers):
    name, operation_name, _ = TARGETS[kind]
    model = service(name)
    sent = WireRequest("POST", PATHS.get(kind, "/"), query, headers, body)
    return protocol_of(model, kind.split()[-1]).parse(model.operation_model(operation_name), sent)


@pytest.mark.parametrize("kind", TARGETS)
def test_the_bodies_to_be_broken_are_whole(kind):
    assert parse(kind, TARGETS[kind][2])


def refused(kind, body, **more):
    with pytest.raises(ServiceFault) as caught:
        parse(kind, body, **more)
    assert 400 <= caught.value.status < 500
    return caught.value.code


JSON = "SerializationException"
DEEP = b'{"TableName":"t","Item":{"a":' + b'{"M":{"a":' * 300 + b'{"S":"x"}' + b"}}" * 300 + b"}}"
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<LifecycleConfiguration><Rule><ID>&b;</ID></Rule></LifecycleConfiguration>"
)
OUTSIDE = (
    b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b"<LifecycleConfiguration><Rule><ID>&a;</ID></Rule></LifecycleConfiguration>"
)


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("json", b"{", JSON),
        ("json", b"[]", JSON),
        ("json", b'"text"', JSON),
        ("json", b"{} {}", JSON),
        ("json", b'{"logGroupName": 5}', JSON),
        ("json", b'{"logEvents": {}}', JSON),
        ("json", b'{"logEvents": [{"timestamp": "now", "message": "m"}]}', JSON),
        ("json", b'{"logEvents": [{"timestamp": 1.5, "message": "m"}]}', JSON),
        ("json", b'{"logEvents": [{"timestamp": 1e400, "message": "m"}]}', JSON),
        ("json", b'{"logEvents": [{"timestamp": ' + b"9" * 5000 + b"}]}", JSON),
        ("json", b'{"logGroupName": "\xff\xfe"}', JSON),
        ("json", b"[" * 200_000, JSON),
        ("recursive json", DEEP, JSON),
        ("recursive json", b'{"Item": {"a": {"B": "not base64!"}}}', JSON),
        ("query", b"Action=CreateDBInstance&AllocatedStorage=five", "MalformedInput"),
        ("query", b"Action=CreateDBInstance&AllocatedStorage=" + b"9" * 5000, "MalformedInput"),
        ("query", b"Action=CreateDBInstance&AllocatedStorage=99999999999", "MalformedInput"),
        ("query", b"Action=CreateDBInstance&MultiAZ=perhaps", "MalformedInput"),
        ("query", b"Action=CreateDBInstance&Tags.Tag.x.Key=k", "MalformedInput"),
        ("query", b"Action=CreateDBInstance&Tags=text", "MalformedInput"),
        ("query", b"Action=CreateDBInstance&Engine=a&Engine=b", "MalformedQueryString"),
        ("query", b"Action=CreateDBInstance&Engine=%ff", "MalformedQueryString"),
        ("query", b"\xff\xfe", "MalformedQueryString"),
        ("query", b"&".join(b"a%d=1" % number for number in range(60_000)), "MalformedQueryString"),
        ("query", b"A" + b".a" * 500 + b"=1", "MalformedQueryString"),
        ("ec2", b"Action=RunInstances&MinCount=one", "InvalidParameterValue"),
        ("ec2", b"Action=RunInstances&TagSpecification.one.Tag=1", "InvalidParameterValue"),
        ("smithy-rpc-v2-cbor", b"\xff", JSON),
        ("smithy-rpc-v2-cbor", b"\x9b" + b"\xff" * 8, JSON),
        ("smithy-rpc-v2-cbor", b"\x81" * 100_000, JSON),
        ("smithy-rpc-v2-cbor", cbor2.dumps([1]), JSON),
        ("smithy-rpc-v2-cbor", cbor2.dumps({"Namespace": 5}), JSON),
        ("smithy-rpc-v2-cbor", cbor2.dumps({"MetricData": [{"Timestamp": cbor2.CBORTag(1, 1e300)}]}), JSON),
        ("smithy-rpc-v2-cbor", b"\xa2\x69Namespace\x61a\x69Namespace\x61b", JSON),
        ("rest-json", b"{", JSON),
        ("rest-json", b'{"BackupVaultTags": []}', JSON),
        ("rest-xml", b"<", "MalformedXML"),
        ("rest-xml", b"\xff\xfe\x00", "MalformedXML"),
        ("rest-xml", BOMB, "MalformedXML"),
        ("rest-xml", OUTSIDE, "MalformedXML"),
        ("rest-xml", b"<a>" * 5000 + b"</a>" * 5000, "MalformedXML"),
        ("rest-xml", b'<?xml version="1.0" encoding="none"?><a/>', "MalformedXML"),
        ("rest-xml", LIFECYCLE.replace(b">1<", b">one<"), "MalformedXML"),
    ],
)
def test_broken_bodies(kind, body, code):
    assert refused(kind, body) == code


def test_broken_heads():
    model = service("s3")
    protocol = protocol_of(model, "rest-xml")
    upload = model.operation_model("UploadPart")
    for path, query, headers in [
        ("/b/k", "partNumber=one&uploadId=u", {}),
        ("/b/k", "partNumber=%ff&uploadId=u", {}),
        ("/b/%ff", "partNumber=1&uploadId=u", {}),
        ("/b/k", "partNumber=1&uploadId=u", {"content-length": "many"}),
        ("/b", "partNumber=1&uploadId=u", {}),
    ]:
        with pytest.raises(ServiceFault) as caught:
            protocol.parse(upload, WireRequest("PUT", path, query, headers, b""))
        assert (caught.value.code, caught.value.status) == ("InvalidArgument", 400)


def test_a_message_of_a_fault_repeats_no_value_of_the_body():
    with pytest.raises(ServiceFault) as caught:
        parse("json", b'{"logGroupName": ["hunter2"]}')
    assert "hunter2" not in str(caught.value)
    assert "logGroupName" in caught.value.message


def only_faults(kind, body, **more):
    try:
        parse(kind, body, **more)
    except ServiceFault as fault:
        assert 400 <= fault.status < 500


@pytest.mark.parametrize("kind", TARGETS)
@BOUNDED
@given(data=st.data())
def test_any_bytes_and_any_damage_end_in_a_fault_or_in_parameters(kind, data):
    whole = TARGETS[kind][2]
    at = data.draw(st.integers(0, len(whole)))
    piece = data.draw(st.binary(max_size=12))
    gone = data.draw(st.integers(0, 6))
    only_faults(kind, whole[:at] + piece + whole[at + gone :])
    only_faults(kind, data.draw(st.binary(max_size=64)))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["logEvents", "Item", "M", "a"]), inner)
    ),
    max_leaves=8,
)


@BOUNDED
@given(value=JSON_VALUES)
def test_any_document_ends_in_a_fault_or_in_parameters(value):
    for kind, key in (("json", "logEvents"), ("recursive json", "Item"), ("rest-json", "BackupVaultTags")):
        only_faults(kind, json.dumps({key: value}).encode())
    only_faults("smithy-rpc-v2-cbor", cbor2.dumps({"MetricData": value, "Namespace": value}))


NAMES = st.lists(
    st.sampled_from(["Tags", "Tag", "member", "1", "2", "", "Key", "Engine", "-1", "٣"]), max_size=5
).map(".".join)


@BOUNDED
@given(fields=st.dictionaries(NAMES, st.text(max_size=4), max_size=6))
def test_any_form_ends_in_a_fault_or_in_parameters(fields):
    for kind in ("query", "ec2"):
        only_faults(kind, urlencode(fields).encode())


@BOUNDED
@given(path=st.text(max_size=12), query=st.text(max_size=20), value=st.text(max_size=12))
def test_any_head_ends_in_a_fault_or_in_parameters(path, query, value):
    model = service("s3")
    headers = {"content-length": value, "x-amz-object-lock-retain-until-date": value, "x-amz-meta-a": value}
    for name in ("PutObject", "ListObjectsV2"):
        sent = WireRequest("PUT", "/" + path, query, headers, b"")
        try:
            protocol_of(model, "rest-xml").parse(model.operation_model(name), sent)
        except ServiceFault as fault:
            assert fault.status == 400
