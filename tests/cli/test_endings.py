"""How commands end when their output, their input or their patience is taken away: a sentence or nothing, no traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coldframe.cli import doctor
from coldframe.cli.main import main

COMMAND = [sys.executable, "-c", "from coldframe.cli.start import main; raise SystemExit(main())"]


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def _buffering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python keeps what nobody took in a buffer, or it does not."""
    monkeypatch.setenv("PYTHONUNBUFFERED", request.param)


def ended(*words: str, **streams: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], stderr=subprocess.PIPE, text=True, timeout=60, check=False, **streams
    )


@pytest.mark.usefixtures("_buffering")
@pytest.mark.parametrize("words", [["--help"], ["engines", "list"]])
def test_a_reader_that_has_gone_is_no_fault(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        found = ended(*words, stdout=writing)
    finally:
        os.close(writing)
    assert (found.returncode, found.stderr) == (141, "")


@pytest.mark.usefixtures("_buffering")
@pytest.mark.parametrize("words", [["--help"], ["engines", "list"]])
def test_an_output_that_takes_nothing_is_told(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        found = ended(*words, stdout=full)
    assert (found.returncode, found.stderr) == (1, "coldframe: No space left on device\n")


def test_ctrl_c_ends_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "run", interrupted)
    assert main(["doctor"]) == 130


def test_ctrl_c_while_the_command_is_loaded_ends_it_as_the_shell_expects() -> None:
    # The first module of its own that it imports is where the signal comes. Whoever runs the tests in the background may
    # have let them ignore it.
    program = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from coldframe.cli import start\n"
        "class Here:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'coldframe.cli.main': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Here()); start.main()"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stderr) == (-signal.SIGINT, "")


def test_a_passphrase_without_a_terminal_is_asked_for_by_the_option(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_bytes(bytes(range(32)))
    (tmp_path / "master.key").chmod(0o600)
    found = ended("seal", "--data", str(tmp_path), stdin=subprocess.DEVNULL)
    assert found.returncode == 1
    assert found.stderr.startswith("coldframe: ") and "--passphrase-file" in found.stderr
    assert (tmp_path / "master.key").exists()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.json").mkdir()
    assert main(["env", "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"coldframe: {tmp_path / 'server.json'}: Is a directory\n"


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    found = ended("up", "--data", str(tmp_path / "data"), "--port", "0")
    assert (found.returncode, found.stderr) == (
        1,
        f"coldframe: {tmp_path / 'data'} is no directory; choose another one with --data\n",
    )
