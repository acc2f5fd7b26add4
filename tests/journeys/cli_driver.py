"""Runs AWS CLI commands, one JSON list a line of stdin, in one process: a new one for each would take a second."""

import contextlib
import io
import json
import sys

from awscli.clidriver import create_clidriver


def run(words: list[str]) -> dict[str, object]:
    """Run one command; gives its exit code and what it wrote."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = create_clidriver().main(words)
        except SystemExit as end:
            code = end.code
        out.flush()
        text = out.buffer.getvalue().decode()
    return {"code": code, "out": text, "err": err.getvalue()}


for line in sys.stdin:
    sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
    sys.stdout.flush()
