"""Text without names: the sources of the Python library and the documentation that botocore carries."""

import gzip
import re
import sysconfig
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_SERVICES = ("acm", "apigateway", "athena", "autoscaling", "backup", "cloudformation", "cloudfront", "cloudtrail", "cloudwatch", "cognito-idp",
    "connect", "dynamodb", "ec2", "ecs", "efs", "eks", "elasticache", "elbv2", "emr", "events", "firehose", "glue", "guardduty", "iam", "iot",
    "kinesis", "kms", "lambda", "logs", "organizations", "rds", "redshift", "route53", "s3", "sagemaker", "ses", "sns", "sqs", "ssm", "sts")  # fmt: skip
_DOCUMENTATION = re.compile(r'"documentation":"((?:[^"\\]|\\.)*)"')
_TAG = re.compile(r"<[^>]*>|&\w+;|\\.")
_WORD = re.compile(r"(?<![\w'])[a-z]{3,18}(?![\w'])")
_PER_SERVICE = 60_000
_COMMON = 9_000
_PEOPLE = re.compile(
    r"(?i)author|copyright|written by|contribut|thanks|credit|maintain|suggest|reported by|@|\bby [A-Z]|PEP|Knuth|et al|Shakespeare|Python,|bday|spam"
)


def texts() -> Iterator[str]:
    """Give lines and sentences, in the same order each time on one installation."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.glob("*.py")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if not _PEOPLE.search(line):
                yield line.strip()
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        raise RuntimeError("botocore is not installed: its documentation is part of the training text")
    data = Path(spec.origin).parent / "data"
    for service in _SERVICES:
        models = sorted((data / service).glob("*/service-2.json*"))
        if not models:
            continue
        raw = models[-1].read_bytes()
        text = (gzip.decompress(raw) if models[-1].suffix == ".gz" else raw).decode()
        seen = 0
        for match in _DOCUMENTATION.finditer(text):
            plain = " ".join(_TAG.sub(" ", match[1]).split())
            seen += len(plain)
            if seen > _PER_SERVICE:
                break
            yield from re.split(r"(?<=[.:]) ", plain)


def common_words(lines: list[str]) -> list[str]:
    """Return the lower-case words that are frequent in `lines`."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(_WORD.findall(line))
    return [
        word
        for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_COMMON]
        if count > 1
    ]
