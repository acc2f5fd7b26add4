"""A master key under a passphrase: asked for once a session where the kernel can hold it, at each start where it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest

from coldframe.cli.main import main
from coldframe.core.sealed_master import NAME
from coldframe.server.master_key import rung_of
from tests.journeys.process import ServerProcess

ROOT = Path(__file__).parents[2]
# A session of its own, so that nothing stays in that of whoever runs the tests.
SESSION = (
    sys.executable,
    "-c",
    (
        "import contextlib, os, sys\n"
        "from coldframe.engines.keyring import Kernel, KeyringError\n"
        "with contextlib.suppress(KeyringError):\n"
        "    Kernel().join_session()\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    ),
)


def test_a_restart_in_one_session_asks_for_nothing(tmp_path, capfd):
    data, passphrase = tmp_path / "data", tmp_path / "passphrase"
    passphrase.write_text("open sesame\n")
    with ServerProcess(data) as server:
        secrets = server.client("secretsmanager")
        secrets.create_secret(Name="a", SecretString="kept")
    master = (data / "master.key").read_bytes()
    assert main(["seal", "--data", str(data), "--passphrase-file", str(passphrase)]) == 0
    assert not (data / "master.key").exists()
    assert master not in (data / NAME).read_bytes()
    assert main(["seal", "--data", str(data), "--passphrase-file", str(passphrase)]) == 1
    assert "sealed already" in capfd.readouterr().err
    refused = ServerProcess(data, prefix=("setsid",)).refused()
    assert "needs its passphrase" in refused
    script = tmp_path / "twice.py"
    script.write_text(TWICE)
    done = subprocess.run(
        [*SESSION, sys.executable, str(script), str(data), str(passphrase), str(ROOT)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    first, second = done.stdout.splitlines() or [done.stderr, ""]
    assert first == "kept", done.stderr
    if rung_of() == "file":
        assert "needs its passphrase" in second
    else:
        assert second == "kept", done.stderr
    assert main(["seal", "--data", str(data), "--passphrase-file", str(passphrase), "--open"]) == 0
    assert (data / "master.key").read_bytes() == master
    with ServerProcess(data) as server:
        assert server.client("secretsmanager").get_secret_value(SecretId="a")["SecretString"] == "kept"


TWICE = """
import pathlib, sys
sys.path.insert(0, sys.argv.pop())
from tests.journeys.process import ServerProcess

data, passphrase = map(pathlib.Path, sys.argv[1:])
for options in (("--passphrase-file", str(passphrase)), ()):
    try:
        with ServerProcess(data, *options) as server:
            print(server.client("secretsmanager").get_secret_value(SecretId="a")["SecretString"])
    except AssertionError as error:
        print(str(error).replace(chr(10), " "))
"""


@pytest.mark.parametrize("words", [["--open"], []])
def test_seal_refuses_what_is_no_data_directory(tmp_path, capfd, words):
    assert main(["seal", "--data", str(tmp_path), *words]) == 1
    said = capfd.readouterr().err
    assert "master.key" in said
