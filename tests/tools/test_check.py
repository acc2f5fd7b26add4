"""Which checks and tests `./coldframe test` runs for which words."""

import pytest

from tools import check


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What would be run, by its name, with the words that go to it."""
    found: list[tuple[str, list[str]]] = []

    def record(name: str, command: list[str]) -> bool:
        found.append((name, command[3:] if command[1:2] == ["-m"] else []))
        return True

    monkeypatch.setattr(check, "_run", record)
    return found


def names(ran: list[tuple[str, list[str]]]) -> list[str]:
    return list(dict.fromkeys(name for name, _ in ran))


def test_without_words_all_of_it_runs_and_the_tests_last(ran: list[tuple[str, list[str]]]) -> None:
    assert check.main([]) == 0
    assert names(ran) == ["lint", "types", "layers", "structure", "engines", "kernel", "tests"]
    assert dict(ran)["kernel"] == []
    assert dict(ran)["tests"] == ["-n", "2", "--dist", "loadgroup"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["lint", "types"], {"lint": [], "types": []}),
        (["kernel"], {"engines": [], "kernel": []}),
        (["kernel", "--kernel", "6.12"], {"engines": [], "kernel": ["--kernel", "6.12"]}),
        (["tests/kernel"], {"kernel": ["tests/kernel"]}),
        (["tests/kernel", "-k", "memory"], {"kernel": ["-k", "memory", "tests/kernel"]}),
        (["tests/kernel/test_tls.py", "-x"], {"kernel": ["-x", "tests/kernel/test_tls.py"]}),
        (["tests/core", "-k", "cached"], {"tests": ["tests/core", "-k", "cached"]}),
        (["-k", "cached"], {"tests": ["-k", "cached"]}),
        (
            ["tests/core", "tests/kernel", "-x"],
            {"kernel": ["-x", "tests/kernel"], "tests": ["tests/core", "-x"]},
        ),
        (["lint", "tests/kernel"], {"lint": [], "kernel": ["tests/kernel"]}),
    ],
)
def test_words_choose(
    words: list[str], expected: dict[str, list[str]], ran: list[tuple[str, list[str]]]
) -> None:
    assert check.main(words) == 0
    assert dict(ran) == expected


def test_a_failure_is_named_and_the_rest_runs_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def fails(name: str, _command: list[str]) -> bool:
        ran.append(name)
        return name != "kernel"

    monkeypatch.setattr(check, "_run", fails)
    assert check.main([]) == 1
    assert ran[-1] == "tests"
    assert "failed: kernel" in capsys.readouterr().err
