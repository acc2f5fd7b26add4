"""`tools.kernels` fails where it cannot run, and never skips."""

import pytest

from coldframe.engines import machine
from tools import kernels


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_make_keys", lambda _folder: None)
    monkeypatch.setattr(kernels.compileall, "compile_dir", lambda *_words, **_options: True)
    monkeypatch.setattr(
        machine, "fetch", lambda series, _cache: machine.DebianKernel(series, kernels.ROOT, [])
    )


def _ends(monkeypatch: pytest.MonkeyPatch, codes: dict[str, int | None]) -> None:
    def run(kernel: machine.DebianKernel, _errand: machine.Errand, _say: object) -> machine.Ended:
        code = codes[kernel.release]
        if code is None:
            raise machine.MachineFailed("it did not come up")
        return machine.Ended(code, "said")

    monkeypatch.setattr(machine, "run", run)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"6.1": 0, "6.12": 0}, 0),
        ({"6.1": 0, "6.12": 1}, 1),
        ({"6.1": 5, "6.12": 0}, 1),  # nothing was collected: that is no success either
        ({"6.1": None, "6.12": 0}, 1),
        ({"6.1": None, "6.12": None}, 1),
    ],
)
def test_one_failure_is_a_failure(
    codes: dict[str, int | None],
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _ends(monkeypatch, codes)
    assert kernels.main([]) == expected
    printed = capsys.readouterr().out
    assert ("did not come up" in printed) is (None in codes.values())


def test_one_kernel_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    _ends(monkeypatch, {"6.12": 0})
    assert kernels.main(["--kernel", "6.12", "-x"]) == 0
    assert kernels.main(["--kernel", "5.10"]) == 2
    assert kernels.main(["--kernel"]) == 2


def test_a_kernel_that_is_not_to_be_had_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch(series: str, _cache: object) -> machine.DebianKernel:
        raise machine.KernelMissing(f"there is no Debian kernel {series}")

    monkeypatch.setattr(machine, "fetch", fetch)
    assert kernels.main([]) == 1
    assert "there is no Debian kernel 6.1" in capsys.readouterr().err
