"""Times the protocol layer: parsing, validating, routing and answering, in microseconds, best of several rounds.

Run it as `PYTHONPATH=src python bench/protocols.py`. json.loads and msgspec's untyped decoder stand beside it, in the
same run, so that ratios hold on a machine that has other work too.
"""

import json
import timeit
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec
from botocore.loaders import Loader
from botocore.model import ServiceModel

from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols import protocol_of
from coldframe.gateway.route import Router
from coldframe.gateway.validation import validate

SCOPE = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
INSTANCE = {
    "InstanceId": "i-1",
    "ImageId": "ami-1",
    "State": {"Code": 16, "Name": "running"},
    "InstanceType": "t3.micro",
    "LaunchTime": datetime(2026, 1, 1, tzinfo=UTC),
    "Placement": {"AvailabilityZone": "a", "Tenancy": "default"},
    "PrivateIpAddress": "10.0.0.1",
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/sda1", "Ebs": {"VolumeId": "vol-1", "DeleteOnTermination": True}}
    ],
    "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "default"}],
    "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}],
}
INSTANCE_FORM = {
    "Action": "CreateDBInstance",
    "Version": "2014-10-31",
    "DBInstanceIdentifier": "db",
    "Engine": "mariadb",
    "DBInstanceClass": "db.t3.micro",
    "AllocatedStorage": "20",
    "MultiAZ": "true",
    "Tags.Tag.1.Key": "a",
    "Tags.Tag.1.Value": "b",
    "VpcSecurityGroupIds.VpcSecurityGroupId.1": "sg-1",
}


def microseconds(function):
    """Time a function: enough calls for 20 ms, best of 9 rounds."""
    function()
    timer = timeit.Timer(function)
    number = max(1, int(0.02 / max(timer.timeit(3) / 3, 1e-7)))
    return min(timer.repeat(9, number)) / number * 1e6


def show(what, function):
    """Print one line of the table."""
    print(f"{what:<58}{microseconds(function):>12.1f}")


def main():
    """Print the table."""
    loader = Loader()
    names = ("logs", "sts", "ec2", "s3", "rds")
    models = {name: ServiceModel(loader.load_service_model(name, "service-2"), name) for name in names}
    router = Router(models)
    put = models["logs"].operation_model("PutLogEvents")
    logs = protocol_of(models["logs"], "json")
    print(f"{'':<58}{'us':>12}")
    for count in (10, 100, 10_000):
        events = [{"timestamp": 1_700_000_000_000 + at, "message": "x" * 100} for at in range(count)]
        body = msgspec.json.encode({"logGroupName": "g", "logStreamName": "s", "logEvents": events})
        headers = {"authorization": SCOPE.format("logs"), "x-amz-target": "Logs_20140328.PutLogEvents"}
        sent = WireRequest("POST", "/", "", headers, body)
        show(f"PutLogEvents x{count}: json.loads, unchecked", lambda body=body: json.loads(body))
        show(
            f"PutLogEvents x{count}: msgspec untyped, unchecked", lambda body=body: msgspec.json.decode(body)
        )
        show(f"PutLogEvents x{count}: parse", lambda sent=sent: logs.parse(put, sent))
        show(
            f"PutLogEvents x{count}: parse and validate",
            lambda sent=sent: validate(put, logs.parse(put, sent)),
        )
    show("route a JSON request", lambda: router.route(sent))
    identity = WireRequest(
        "POST",
        "/",
        "",
        {"authorization": SCOPE.format("sts")},
        b"Action=GetCallerIdentity&Version=2011-06-15",
    )
    found = router.route(identity)
    show("route a query request", lambda: router.route(identity))
    result = {"Account": "123456789012", "UserId": "AIDA", "Arn": "arn:aws:iam::123456789012:user/a"}
    show("GetCallerIdentity: answer", lambda: found.protocol.answer(found.operation, result, "id"))
    stored = WireRequest("PUT", "/bucket/a/key.txt", "", {"authorization": SCOPE.format("s3")}, b"x")
    show("route an S3 request", lambda: router.route(stored))
    form = WireRequest(
        "POST", "/", "", {"authorization": SCOPE.format("rds")}, urlencode(INSTANCE_FORM).encode()
    )
    created = router.route(form)
    show("CreateDBInstance: parse", lambda: created.protocol.parse(created.operation, form))
    event = {
        "logStreamName": "s",
        "timestamp": 1,
        "message": "m" * 100,
        "ingestionTime": 2,
        "eventId": "3" * 56,
    }
    filtered = models["logs"].operation_model("FilterLogEvents")
    events_found = {"events": [dict(event) for _ in range(1000)]}
    show("FilterLogEvents x1000: answer", lambda: logs.answer(filtered, events_found, "id"))
    described = models["ec2"].operation_model("DescribeInstances")
    reservations = {"Reservations": [{"ReservationId": "r", "Instances": [INSTANCE]} for _ in range(50)]}
    ec2 = protocol_of(models["ec2"], "ec2")
    show("DescribeInstances x50: answer", lambda: ec2.answer(described, reservations, "id"))


if __name__ == "__main__":
    main()
