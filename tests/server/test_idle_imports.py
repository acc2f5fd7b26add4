"""What an idle server does not load: a real one is started, and says what it has loaded."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from coldframe.core.config import Settings
from coldframe.core.installation import named
from coldframe.server.assembly import assemble

SOURCE = Path(__file__).resolve().parents[2] / "src"
# Serves as the command does; when it says that it is ready, it writes down what it has loaded.
UP = """
import sys
from pathlib import Path

class Noting:
    def write(self, text):
        if text.startswith("ready "):
            Path(sys.argv[1]).write_text("\\n".join(sys.modules))
        return sys.__stdout__.write(text)

    def flush(self):
        sys.__stdout__.flush()

sys.stdout = Noting()
from coldframe.cli.main import main
sys.exit(main(["up", "--data", sys.argv[2], "--port", "0"]))
"""

# Each costs megabytes or tens of milliseconds, and is for something that most starts are not followed by.
NOT_YET = {
    "PIL": "pictures of metrics",
    "awscli": "the command line's own",
    "boto3": "clients",
    "botocore.handlers": "clients",
    "botocore.session": "clients, with which services call each other",
    "coldframe.console.visiting": "the console",
    "coldframe.engines.detector": "masking",
    "coldframe.engines.mariadb": "databases",
    "coldframe.engines.postgresql": "databases",
    "coldframe.keys": "keys in the kernel",
    "coldframe.services.logs.insights.translation": "queries",
    "coldframe.services.logs.transformers": "transformed events",
    "cryptography.x509": "certificates, which are there and were checked",
    "duckdb": "queries",
    "hyperscan": "masking",
    "jinja2": "the console",
    "lark": "queries",
    "psycopg": "the other store",
    "pyarrow": "segments of log events",
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The modules that a server has loaded by the time it says that it is ready; it was started before."""
    folder = tmp_path_factory.mktemp("idle")
    note = folder / "modules"
    for _ in ("first", "warm"):
        with (folder / "errors").open("wb") as errors:
            server = subprocess.Popen(
                [sys.executable, "-c", UP, note, folder / "data"],
                stdout=subprocess.PIPE, stderr=errors, env={**os.environ, "PYTHONPATH": str(SOURCE)},
            )  # fmt: skip
            ready = server.stdout.readline()
            server.terminate()
            server.communicate(timeout=60)
        assert ready.startswith(b"ready "), (folder / "errors").read_text()
    return set(note.read_text().split())


def test_the_note_is_of_a_server(loaded):
    assert {
        "coldframe.server.run",
        "coldframe.console.app",
        "sqlalchemy",
        "coldframe.services.logs.jobs",
    } <= loaded


@pytest.mark.parametrize("name", NOT_YET)
def test_an_idle_server_has_not_loaded(loaded, name):
    there = sorted(each for each in loaded if each == name or each.startswith(f"{name}."))
    assert not there, (
        f"an idle server has no need of {name} ({NOT_YET[name]}): import it where it is first used"
    )


def test_what_is_provided_unloaded_is_there_under_its_name(tmp_path):
    with assemble(Settings(tmp_path / "data")) as assembly:
        parts = assembly.installation.parts
        names = parts.unloaded()
        assert len(names) >= 5
        for name in names:
            module, _, kind = name.rpartition(".")
            wanted = getattr(import_module(module), kind)
            assert named(wanted) == name
            assert isinstance(parts.get(wanted), wanted)
