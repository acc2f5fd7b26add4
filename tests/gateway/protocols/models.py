"""The services of the design, and random values of their shapes, for the generated round trips."""

import random
from datetime import UTC, datetime
from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel

_NAMES = """
logs cloudwatch oam xray rds backup cloudformation dms mgn drs efs ecs servicediscovery textract transcribe
internetmonitor kms sts iam organizations s3 s3control sns sqs ec2 redshift redshift-data ssm secretsmanager
lambda dynamodb events budgets firehose application-autoscaling
"""
SERVICES = _NAMES.split()


@cache
def service(name):
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


@cache
def services():
    return {name: service(name) for name in SERVICES}


class Values:
    """Makes a random value of a shape; `plain` texts are those that a header or a path can carry."""

    def __init__(self, seed, *, output=False):
        self.random = random.Random(seed)
        self.output = output

    def structure(self, shape, depth=0):
        members = {}
        for name, member in shape.members.items():
            if member.serialization.get("eventstream"):
                continue
            required = name in shape.required_members or member.serialization.get("location") == "uri"
            if required or self.random.random() < (0.7 if depth == 0 else 0.4):
                traits = member.serialization
                members[name] = self.of(
                    member, depth + 1, bound="location" in traits or "hostLabel" in traits
                )
        if shape.metadata.get("union"):
            name = self.random.choice(list(shape.members))
            return {name: members.get(name, self.of(shape.members[name], depth + 1))}
        if depth and not members:
            members = self.one_member(shape, depth)
        return members

    def one_member(self, shape, depth):
        """A form cannot show an empty structure in a list, so there is always something in it."""
        plain = [name for name, member in shape.members.items() if not hasattr(member, "members")]
        flat = [name for name in plain if shape.members[name].type_name not in {"list", "map"}]
        for name in flat[:1] or plain[:1] or (list(shape.members)[:1] if depth < 12 else []):
            members = shape.members[name]
            value = self.of(members, depth + 1)
            if members.type_name == "list" and not value and depth < 12:
                value = [self.of(members.member, depth + 2)]
            return {name: value}
        return {}

    def of(self, shape, depth, *, bound=False):
        kind = shape.type_name
        if shape.metadata.get("document"):
            return {"a": [1, "b", None, True]}
        if kind == "structure":
            if depth < 4 or (shape.metadata.get("union") and depth < 30):
                return self.structure(shape, depth)
            return self.one_member(shape, depth)
        if kind == "list":
            count = self.random.randint(1, 2) if depth < 4 else 0
            return [
                self.of(shape.member, depth + 1, bound=bound) for _ in range(count or (1 if bound else 0))
            ]
        if kind == "map":
            count = self.random.randint(1, 2) if depth < 4 else 0
            texts = [self.text(shape.key, bound=bound) + str(at) for at in range(count)]
            return {key: self.of(shape.value, depth + 1, bound=bound) for key in texts}
        return self.scalar(shape, kind, bound=bound)

    def scalar(self, shape, kind, *, bound):
        if kind in {"string", "character"}:
            return self.text(shape, bound=bound)
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "integer":
            return self.random.randint(-(2**31), 2**31 - 1)
        if kind == "long":
            return self.random.randint(-(2**53), 2**53)
        if kind in {"float", "double"}:
            return self.random.choice([0.5, -1.25, 1e10, 3.0])
        if kind == "timestamp":
            return datetime.fromtimestamp(self.random.randint(0, 2_000_000_000), UTC)
        return b"blob" if self.output else self.random.choice([b"", b"\x00\xff blob", b"text"])

    def text(self, shape, *, bound=False):
        if shape.serialization.get("jsonvalue"):
            return {"key": "value"}
        if shape.metadata.get("enum"):
            return self.random.choice(shape.metadata["enum"])
        if bound:
            return self.random.choice(["abc", "a-b.c", "z9"])
        return self.random.choice(
            ["a", "with space & <tag> \"q'", "été 漢字 😀", "line\nbreak\ttab", "a/b+c=d", ""]
        )
