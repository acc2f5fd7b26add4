"""Random requests in a model's shape: values at and beyond every limit, strange text, and names that answers gave before."""

import random
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

STRANGE = (
    "", " ", "\t", "0", "-1", "*", "?", "%", "%00", "\\", "/", "//", ".", "..", "../../etc/passwd", ":", "::::::", "null", "None", "true",
    "NaN", "1e400", "a\nb", "a\rb", "\x00", "\x7f", "\ufeff", "\ufffd", "\uffff", "\u202e", "e\u0301", "ß", "İ", "日本語", "🜃" * 3,
    "\U0010ffff", "' OR 1=1 --", '"', "<!DOCTYPE a>", "]]>", "&amp;", "${aws:username}", "{}", "[]", '{"a":', "(", "(?<", "[a-", "a{9999999}",
    "AAAA", "=", "a=b", "a" * 129, "b" * 513, "c" * 5000, "2026-01-01T00:00:00Z", "1700000000000", "9" * 40, "us-east-1", "123456789012",
    "000000000000", "root", "ALL", "AKIAIOSFODNN7EXAMPLE", "https://example.com/", "arn:", "arn:aws", "arn:aws:iam::123456789012:root", "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::aws:policy/x", "arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:role/", "arn:aws:iam:::", "arn:aws:sts::1:assumed-role/a",
    "arn:aws:logs:us-east-1:123456789012:log-group:", "arn:aws:logs:us-east-1:123456789012:log-group:a:*", "arn:aws:logs:us-east-1:123456789012:log-group:a:log-stream:b",
    "arn:aws:logs:eu-west-1:210987654321:log-group:a", "arn:aws:logs:::log-group:a", "arn:aws:logs:us-east-1:123456789012:destination:d", "arn:aws:s3:::bucket", "arn:aws-cn:iam::1:x",
    "arn:aws:logs:us-east-1:123456789012:*", "arn:aws:kinesis:us-east-1:123456789012:stream/s", "arn::::::::::", "arn:aws:iam::123456789012:mfa/m",
)  # fmt: skip

ANY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_PROTECTION = (
    '{"Name":"n","Version":"2021-06-01","Statement":[%s{"Sid":"r","DataIdentifier":["%s"],'
    '"Operation":{"Deidentify":{"MaskConfig":{}}}}]}'
)
_AUDIT = '{"Sid":"a","DataIdentifier":["%s"],"Operation":{"Audit":{"FindingsDestination":{%s}}}},'
_EMAIL = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"
DOCUMENTS = (
    ANY,
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Principal":"*","Condition":{"StringLike":{"a":["b",null]}}}]}',
    '{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":[],"NotResource":"arn:aws:s3:::${aws:username}"}}',
    '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"logs:Put*","Resource":"*","Condition":{"NumericLessThan":{"aws:EpochTime":"x"},"IpAddress":{"aws:SourceIp":"::/0"}}}]}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"logs.amazonaws.com"},"Action":"logs:PutLogEvents","Resource":"*"}]}',
    '{"Version":"2012-10-17","Statement":[]}', '{"Version":1,"Statement":1}', '{"Statement":[{"Effect":1}]}', '{"Statement":{"Effect":{"a":"b"},"Action":{},"Resource":[[]]}}',
    "[" * 5000, "{", "[]", "null", "1", '"x"', '{"a":' * 3000, ANY.replace('"*"', '["' + "a" * 7000 + '"]'), ANY + " ", "\ufeff" + ANY, ANY.replace("Allow", "\\ud800"),
    _PROTECTION % (_AUDIT % (_EMAIL, ""), _EMAIL),
    _PROTECTION % (_AUDIT % (_EMAIL, '"CloudWatchLogs":{"LogGroup":"a"}'), _EMAIL),
    _PROTECTION % (_AUDIT % (_EMAIL, '"S3":{"Bucket":1}'), _EMAIL),
    _PROTECTION % ("", _EMAIL), _PROTECTION % (_AUDIT % ("x", ""), "x"), _PROTECTION % ('null,', _EMAIL), _PROTECTION % ('{},', _EMAIL),
    '{"Name":[],"Version":{},"Statement":{"Sid":1}}', '{"Name":"n","Version":"2021-06-01","Statement":[[],{}]}',
    '{"Name":"n","Version":"2021-06-01","Configuration":{"CustomDataIdentifier":[{"Name":"e","Regex":"(a+)+$"}]},"Statement":[]}',
    '{"DestinationArn":"arn:aws:logs:us-east-1:123456789012:log-group:a","FilterPattern":"","Distribution":"Random"}', '{"Fields":["a"]}',
)  # fmt: skip
PATTERNS = (
    "ERROR", "?a ?b -c", '"a b"', "{ $.a = 1 }", "{ ($.a = 1) || ($.b[0].c != \"x*\") }", "{ $.a IS NULL }", "{ $.", "{ $.a = ", "[ip, user, ...]",
    "[..., status = 4*, bytes > 1]", "[a, b", "%a+%", "%(%", "%[a-%", "{ $.a = %x% }", "{ $.a = %(% }", "[", "]", "{}", "[]", "-", "?", "{ $.a > 1e999 }",
    "{ " + "(" * 400 + "$.a=1" + ")" * 400 + " }", "((" * 2000, "{ $.a NOT EXISTS }", "[a=1 && b=2]", '"', "\\", "%", "%%", "{ $.a = 1 && }",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 7, 30, 100, 10_000, 2**31 - 1, 2**31, -(2**31), 2**53, 2**63 - 1, -(2**63), 1_700_000_000_000)
BEYOND = (2**63, 2**64, 10**30, -(10**30))


class Requests:
    """Makes parameters for operations; what `learn` was told of answers comes back as names, ids and tokens."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._known: dict[str, list[str]] = {}

    def learn(self, value: Any, name: str = "") -> None:
        """Remember the texts of an answer by the names of their members."""
        if isinstance(value, dict):
            for key, inner in value.items():
                if key != "ResponseMetadata":
                    self.learn(inner, key)
        elif isinstance(value, list):
            for inner in value[:5]:
                self.learn(inner, name)
        elif isinstance(value, str) and 0 < len(value) < 3000:
            texts = self._known.setdefault(_kind(name), [])
            if value not in texts:
                texts.insert(self.random.randrange(len(texts) + 1), value)
                del texts[12:]

    def parameters(self, operation: OperationModel) -> dict[str, Any]:
        """Random parameters in the shape of the operation's input; often right, never quite sensible."""
        if operation.input_shape is None:
            return {}
        # How careful a request is, as a whole: careful ones get deep into the handlers.
        self._careful = self.random.choice((0.5, 0.9, 0.98, 1.0))
        return self._structure(operation.input_shape, 0)

    def _structure(self, shape: StructureShape, depth: int) -> dict[str, Any]:
        made = {}
        optional = self.random.choice((0.0, 0.2, 0.5, 1.0)) / (1 + depth)
        for name, member in shape.members.items():
            needed = name in shape.required_members
            if self.random.random() < (0.995 if needed else optional) and (needed or depth < 6):
                made[name] = self._value(member, name, depth + 1)
        if getattr(shape, "is_tagged_union", False) and len(made) != 1 and self._is_careful():
            name = self.random.choice(list(shape.members))
            made = {name: self._value(shape.members[name], name, depth + 1)}
        return made

    def _value(self, shape: Shape, name: str, depth: int) -> Any:
        if isinstance(shape, StructureShape):
            return self._structure(shape, depth)
        if isinstance(shape, ListShape):
            return [self._value(shape.member, name, depth + 1) for _ in range(self._size(shape, depth))]
        if isinstance(shape, MapShape):
            return {
                self._text(shape.key, name + "Key"): self._value(shape.value, name, depth + 1)
                for _ in range(self._size(shape, depth))
            }
        if shape.type_name in {"string", "character"}:
            return self._text(shape, name)
        if shape.type_name == "boolean":
            return self.random.random() < 0.5
        if shape.type_name == "blob":
            return self.random.randbytes(self.random.choice((0, 1, 10, 5000)))
        if shape.type_name in {"float", "double"}:
            return self.random.choice((0.0, -0.5, 1.5, 1e308, 1e-320, *map(float, NUMBERS)))
        return self._number(shape)

    def _is_careful(self) -> bool:
        return self.random.random() < self._careful

    def _size(self, shape: Shape, depth: int) -> int:
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10_000)
        if self._is_careful():
            return max(least, min(most, self.random.choice((1, 1, 1, 2, 3))))
        return self.random.choice((0, least - 1 if least else 0, min(most + 1, 30 if depth > 3 else 300), 7))

    def _number(self, shape: Shape) -> int:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        limits = [edge for edge in (low, high) if edge is not None]
        if self._is_careful():
            if limits and self.random.random() < 0.7:
                return int(self.random.choice(limits))
            inside = [
                number
                for number in NUMBERS
                if (low is None or number >= low) and (high is None or number <= high)
            ]
            return self.random.choice(inside or limits)
        return self.random.choice((*NUMBERS, *BEYOND, *(edge + step for edge in limits for step in (-1, 1))))

    def _text(self, shape: Shape, name: str) -> str:
        enum = getattr(shape, "enum", None)
        if enum and self._is_careful():
            return self.random.choice(enum)
        lower = name.lower()
        choice = self.random.random()
        if lower.endswith(("document", "policy", "accesspolicy")) and choice < 0.9:
            return self.random.choice(DOCUMENTS)
        if "pattern" in lower and choice < 0.9:
            return self.random.choice(PATTERNS)
        known = self._known.get(_kind(name)) or self._known.get(_kind(shape.name))
        if known and choice < 0.75 and self._is_careful():
            return self.random.choice(known)
        if self._is_careful() and choice < 0.95:
            return self._plain(shape, name)
        if choice < 0.2:
            every = [text for texts in self._known.values() for text in texts]
            return self.random.choice(every or ["x"])
        return self.random.choice(STRANGE)

    def _plain(self, shape: Shape, name: str) -> str:
        """A text within the shape's length, from a small supply, so that requests meet each other's resources."""
        least, most = shape.metadata.get("min", 1), shape.metadata.get("max", 64)
        if name.endswith("Path") or name in {"Path", "PathPrefix", "NewPath"}:
            return self.random.choice(("/", "/a/", "/a/b/"))
        text = self.random.choice(("a", "b", "c", "Example-1", "name@example.com", "112233445566"))
        if self.random.random() < 0.1:
            return "a" * self.random.choice((least, min(most, 2000)))
        return (text * (least // len(text) + 1) if len(text) < least else text)[: max(most, 1)]


def _kind(name: str) -> str:
    """One word for names that mean the same: `roleName`, `RoleName` and `RoleNames` are one supply."""
    lower = name.lower()
    return lower[:-1] if lower.endswith("s") and not lower.endswith("ss") else lower
