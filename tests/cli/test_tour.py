"""The tour where this machine cannot show a story: it says why, and where the story can be seen."""

import pytest

from coldframe.cli.main import main
from coldframe.cli.tour import STOPS, in_machine, stop_03
from coldframe.core import process
from coldframe.engines import machine
from coldframe.engines.keyring.fake import FakeKernel


@pytest.fixture(autouse=True)
def kernel_without_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = FakeKernel(clock=lambda: 0.0, private_keys=False)
    monkeypatch.setattr(stop_03, "Kernel", kernel.process)


@pytest.mark.parametrize(
    ("absent", "said"), [([], "coldframe tour 3 --machine"), (["qemu"], "coldframe engines install machine")]
)
def test_a_kernel_that_takes_no_private_keys(
    absent: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "missing", lambda: absent)
    assert main(["tour", "3"]) == 1
    printed = capsys.readouterr()
    assert "This kernel cannot hold private keys" in printed.err
    assert "modprobe pkcs8_key_parser" in printed.err
    assert said in printed.err


def test_the_machine_walks_the_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    errands: list[machine.Errand] = []

    def run(_kernel: machine.DebianKernel, errand: machine.Errand, say) -> machine.Ended:
        errands.append(errand)
        say("what happens there is shown")
        return machine.Ended(3, "")

    monkeypatch.setattr(machine, "run", run)
    monkeypatch.setattr(
        machine, "fetch", lambda series, _cache: machine.DebianKernel(series, in_machine.Path("/"), [])
    )
    monkeypatch.setattr(machine, "ssh_server_files", lambda _cache: in_machine.Path("/files.tar"))
    assert main(["tour", "3", "--machine"]) == 3
    # An sshd is unpacked first, with which the tour logs in.
    assert errands[0].words[3] == "/files.tar"
    assert errands[0].words[-2:] == ["tour", "3"]

    def unknown(_cache):
        raise process.ProgramFailed("apt-get: no such package")

    monkeypatch.setattr(machine, "ssh_server_files", unknown)
    assert main(["tour", "3", "--machine"]) == 3
    assert errands[1].words[1:] == ["tour", "3"], "without it the rest of the tour is walked"
    assert "what happens there is shown" in capsys.readouterr().out


def test_only_one_stop_has_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tour", "7", "--machine"]) == 2
    assert main(["tour", "--list"]) == 0
    assert all(title in capsys.readouterr().out for title in [STOPS[3]])
