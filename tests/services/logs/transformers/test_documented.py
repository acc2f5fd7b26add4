"""The processors, by the examples of their documentation."""

import json
import tomllib
from pathlib import Path

import pytest

from coldframe.services.logs.transformers import Origin, compile_transformer

ORIGIN = Origin("myLogGroupName", "myLogStreamName", "012345678912", "us-east-1", 1_700_000_000_000)
CASES = tomllib.loads((Path(__file__).parent / "documented.toml").read_text())["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_documented_example(case):
    done = compile_transformer(json.loads(case["processors"])).transform(case["event"], ORIGIN)
    assert done.error == ""
    assert json.loads(done.text) == json.loads(case["result"])
