"""`coldframe aws ...`: the AWS CLI against this server, for every service."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from coldframe.cli.data_option import directory
from coldframe.cli.env import variables
from coldframe.core.config import default_data_dir
from coldframe.core.process import become


def run(words: Sequence[str]) -> int:
    """Run the AWS CLI with this server's address and, unless the shell has its own, its root key pair.

    The address is given as `--endpoint-url` and not only by the environment: version 1 of the CLI ignores the
    variable for rds, sqs and some others and would call AWS itself. `--data DIR` in front of the CLI's own words names
    another data directory than the default one.
    """
    data = default_data_dir()
    if words and words[0] == "--data":
        if len(words) < 2 or not words[1]:
            print("coldframe aws: --data needs a directory", file=sys.stderr)
            raise SystemExit(2)
        data, words = directory(words[1]), words[2:]
    mine = variables(data)
    environment = {**os.environ, **mine}
    if "AWS_PROFILE" in os.environ or "--profile" in words:
        del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    elif "AWS_ACCESS_KEY_ID" in os.environ:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment[name] = os.environ.get(name, "")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        environment[name] = os.environ.get(name, mine[name])
    program = Path(sys.executable).with_name("aws")
    endpoint = () if "--endpoint-url" in words else ("--endpoint-url", mine["AWS_ENDPOINT_URL"])
    become([program, *endpoint, *words], environment=environment)
