"""Programs that are talked to, and programs that run beside this one."""

import os
import sys
from pathlib import Path

import pytest

from coldframe.core import process


def test_what_is_said_and_answered_is_bytes_and_any_exit_code_is_an_answer() -> None:
    program = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1]); sys.exit(3)"
    done = process.converse([sys.executable, "-c", program], said=b"\xff\0x")
    assert (done.stdout, done.returncode) == (b"x\0\xff", 3)


def test_open_files_go_along_under_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with (tmp_path / "file").open("rb") as file:
        program = f"import os, sys; sys.stdout.buffer.write(os.read({file.fileno()}, 100))"
        done = process.converse([sys.executable, "-c", program], descriptors=[file.fileno()])
    assert done.stdout == b"content"


def test_what_takes_too_long_or_is_not_there_is_named() -> None:
    with pytest.raises(process.ProgramFailed, match=r"longer than 0\.2 s"):
        process.converse([sys.executable, "-c", "import signal; signal.pause()"], timeout=0.2)
    with pytest.raises(process.ProgramMissing, match="/nowhere/program"):
        process.converse(["/nowhere/program"])
    with (
        pytest.raises(process.ProgramMissing, match="/nowhere/program"),
        process.alongside(["/nowhere/program"]),
    ):
        pass


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_program_beside_this_one_ends_with_the_block(
    stubborn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_PATIENCE", 0.3)
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if stubborn else ""
    program = f"import signal; {ignore}print('up', flush=True); signal.pause()"
    with process.alongside([sys.executable, "-c", program]) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        pid = running.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert running.returncode == (-9 if stubborn else -15)
