"""The structure checks: a clean tree passes every rule, and each planted breach is named with its file and line."""

from pathlib import Path

import pytest

from tests.tools.conftest import CLEAN, Plant
from tools.structure import lengths
from tools.structure.__main__ import main
from tools.structure.rules import (
    RULES,
    commands,
    dependencies,
    links,
    names,
    openings,
    operations,
    readme,
    service_folders,
    service_pages,
    settings,
    sizes,
    words,
)

STS = "src/coldframe/services/sts"
TOML = f"{STS}/service.toml"


def added(name: str, more: str) -> str:
    return CLEAN[name] + more


def test_the_clean_tree_keeps_every_rule(root: Path) -> None:
    assert {title: check(root) for title, check in RULES.items()} == {title: [] for title in RULES}
    assert main(["--root", str(root)]) == 0


def test_a_breach_fails_the_run_and_is_printed(
    root: Path, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant("src/coldframe/core/utils.py", '"""Anything that had no place."""\n')
    assert main(["--root", str(root)]) == 1
    assert "src/coldframe/core/utils.py:1: 'utils'" in capsys.readouterr().out


def test_a_service_without_its_files_is_named(root: Path) -> None:
    (root / STS / "operations/__init__.py").unlink()
    assert f"{STS}/operations/__init__.py:1: every service folder has this file" in service_folders.check(
        root
    )


def test_a_service_that_is_not_listed_is_named_and_so_is_one_without_a_folder(
    root: Path, plant: Plant
) -> None:
    plant("src/coldframe/server/services.py", '"""The list."""\n\nSERVICES = ("coldframe.services.kms",)\n')
    found = service_folders.check(root)
    assert any("sts has a folder but is not in SERVICES" in problem for problem in found)
    assert "src/coldframe/server/services.py:3: SERVICES has kms, which has no folder" in found


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (TOML, "model = [\n", "this is no TOML"),
        (TOML, 'model = "nosuch"\n', "AWS has no service model 'nosuch'"),
        (TOML, 'model = "sts"\nengine = []\n', "service.toml:2: a service.toml has no 'engine'"),
        (f"{STS}/notes.md", "words", "code and data tables only"),
        (f"{STS}/tokens/seal.py", '"""Seals a token, alone."""\n', "no __init__.py"),
    ],
)
def test_what_does_not_belong_into_a_service_folder_is_named(
    root: Path, plant: Plant, name: str, content: str, said: str
) -> None:
    plant(name, content)
    assert any(said in problem for problem in service_folders.check(root))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            f"{STS}/operations/x.py",
            "def get_caller_identty(call):\n    pass\n",
            "x.py:1: get_caller_identty is no",
        ),
        (f"{STS}/operations/x.py", "def get_caller_identity(call):\n    pass\n", "is there twice"),
        (TOML, added(TOML, 'GetCallerIdentity = "no"\n'), "GetCallerIdentity is built: remove the remark"),
        (TOML, added(TOML, 'GetNothing = "no"\n'), "service.toml:9: AWS's model has no operation GetNothing"),
        (TOML, added(TOML, '"Put*" = "no"\n'), "the remark Put* covers nothing"),
        (TOML, 'model = "sts"\n[remarks]\n"Get*" = "no"\n', "not built: AssumeRole, "),
        (TOML, 'quick = ["GetIt"]\n' + CLEAN[TOML], "service.toml:1: AWS's model has no operation GetIt"),
        (f"{STS}/jobs.py", 'def go(call):\n    call.client("kms")\n', "jobs.py:2: calls 'kms'"),
    ],
)
def test_operations_and_remarks_that_contradict_the_model_are_named(
    root: Path, plant: Plant, name: str, content: str, said: str
) -> None:
    plant(name, content)
    assert any(said in problem for problem in operations.check(root)), operations.check(root)


def test_a_private_function_and_a_declared_call_are_allowed(root: Path, plant: Plant) -> None:
    plant(f"{STS}/operations/x.py", "def _part(call):\n    pass\n")
    plant(f"{STS}/jobs.py", 'def go(call):\n    call.client("iam")\n')
    assert operations.check(root) == []


@pytest.mark.parametrize("content", ["import os\n", '"""Seal."""\n', '"""What seals a token\n\nMore."""\n'])
def test_a_file_without_an_opening_sentence_is_named(root: Path, plant: Plant, content: str) -> None:
    plant("src/coldframe/core/seal.py", content)
    assert [problem.split(":")[0] for problem in openings.check(root)] == ["src/coldframe/core/seal.py"]


def test_sizes_have_a_ceiling_and_a_list_that_only_shrinks(root: Path, plant: Plant) -> None:
    plant("src/coldframe/core/long.py", "x = 1\n" * 501)
    plant("tests/core/test_long.py", "x = 1\n" * 600)
    assert [problem.split(":")[0] for problem in sizes.check(root)] == ["src/coldframe/core/long.py"]
    plant(str(sizes.LIST), '[reasons]\n"src/coldframe/core/long.py" = "A table."\n"gone.py" = "Was long."\n')
    assert sizes.check(root) == [f"{sizes.LIST}:3: gone.py is not too long any more: take it out"]


def test_a_listed_file_needs_a_reason(root: Path, plant: Plant) -> None:
    plant("src/coldframe/core/long.py", "x = 1\n" * 501)
    plant(str(sizes.LIST), '[reasons]\n"src/coldframe/core/long.py" = ""\n')
    assert len(sizes.check(root)) == 1


@pytest.mark.parametrize(
    "name", ["src/coldframe/core/utils.py", "src/coldframe/common/ids.py", "tests/core/test_helpers.py"]
)
def test_names_that_hold_anything_are_named(root: Path, plant: Plant, name: str) -> None:
    plant(name, '"""Something that has no place."""\n')
    assert [problem.split(":")[0] for problem in names.check(root)] == [name]


@pytest.mark.parametrize(
    "line",
    [
        "see /" + "home/builder/notes",
        'path = "/' + 'work/notes"',
        "from https://py" + "pi.org/simple",
        "registry.npm" + "js.org",
    ],
)
def test_paths_of_a_machine_and_package_hosts_are_named(root: Path, plant: Plant, line: str) -> None:
    plant("docs/notes.md", f"Notes.\n{line}\n")
    assert [problem.split(" ")[0] for problem in words.check(root)] == ["docs/notes.md:2:"]


def test_other_paths_are_allowed(root: Path, plant: Plant) -> None:
    plant("docs/notes.md", "$HOME/.local, ~/coldframe, /homework/x, {root}/work/x, /usr/lib\n")
    assert words.check(root) == []


def test_commands_and_their_options_are_documented(root: Path, plant: Plant) -> None:
    plant("src/coldframe/cli/main.py", '"""Main."""\nCOMMANDS = {"up": "serve", "tour": "walk"}\n')
    plant("src/coldframe/cli/up.py", 'parser.add_argument("--port")\nparser.add_argument("--dev")\n')
    plant("docs/cli.md", CLEAN["docs/cli.md"] + "## `coldframe down`\n")
    assert sorted(commands.check(root)) == [
        "docs/cli.md:1: there is no section '## `coldframe tour`'",
        "docs/cli.md:6: there is no command down",
        "src/coldframe/cli/main.py:2: the command tour has no file cli/tour.py",
        "src/coldframe/cli/up.py:2: docs/cli.md does not say what --dev of coldframe up does",
    ]


def test_settings_are_documented(root: Path, plant: Plant) -> None:
    plant("src/coldframe/core/config.py", "class Settings:\n    port: int = 1\n    host: str = ''\n")
    plant("docs/settings.md", CLEAN["docs/settings.md"] + "| `speed` | how fast |\n")
    assert settings.check(root) == [
        "src/coldframe/core/config.py:3: docs/settings.md has no row for the setting host",
        "docs/settings.md:4: there is no setting speed",
    ]


@pytest.mark.parametrize("state", ["works", "partly: masking", "partly (masking)", "not yet"])
def test_states_of_a_system(root: Path, plant: Plant, state: str) -> None:
    plant("README.md", CLEAN["README.md"].replace("| 7 | a system | not yet |", f"| 7 | a | {state} |"))
    assert readme.check(root) == []


@pytest.mark.parametrize("row", ["", "| 7 | a | soon |\n", "| 7 | a | partly |\n", "| 8 | a | works |\n"])
def test_a_system_that_is_missing_or_has_no_state_is_named(root: Path, plant: Plant, row: str) -> None:
    plant("README.md", CLEAN["README.md"].replace("| 7 | a system | not yet |\n", row))
    assert readme.check(root)


def test_a_stale_service_page_is_named_and_writing_keeps_its_prose(root: Path, plant: Plant) -> None:
    page = root / "docs/services/sts.md"
    page.write_text("# STS\n\nProse.\n\n" + page.read_text().partition("\n\n")[2] + "\nAfter.\n")
    assert service_pages.check(root) == []
    plant(f"{STS}/operations/tokens.py", "def get_session_token(call):\n    pass\n")
    assert [problem.rpartition(": is")[2] for problem in service_pages.check(root)] == [
        " stale: python -m tools.structure --write"
    ]
    assert service_pages.write(root) == [Path("docs/services/sts.md")]
    text = page.read_text()
    assert text.startswith("# STS\n\nProse.\n") and text.endswith("\nAfter.\n")
    assert "| GetSessionToken | built |" in text and "| AssumeRole | 501: Roles are not built. |" in text
    assert service_pages.check(root) == []


def test_a_missing_service_page_is_named(root: Path) -> None:
    (root / "docs/services/sts.md").unlink()
    assert len(service_pages.check(root)) == 1


def test_dependencies_need_a_reason_and_a_pin(root: Path, plant: Plant) -> None:
    plant("pyproject.toml", '[project]\ndependencies = [\n    "msgspec>=0.20",\n    "google-re2>=1",\n]\n')
    plant("docs/decisions/0002-dependencies.md", "| `msgspec` | decodes |\n| `lark` | parsed |\n")
    assert dependencies.check(root) == [
        "pyproject.toml:4: docs/decisions/0002-dependencies.md does not say why google-re2 is needed",
        "docs/decisions/0002-dependencies.md:2: lark is no dependency any more",
        "constraints.txt:1: no version of google-re2 is pinned",
    ]


def test_a_link_that_leads_nowhere_is_named(root: Path, plant: Plant) -> None:
    plant(
        "docs/notes.md",
        "[a](cli.md#up) [b](../README.md)\n[c](gone.md) [d](https://example.org/x) [e](#top)\n",
    )
    assert links.check(root) == ["docs/notes.md:2: the link leads nowhere: gone.md"]


def test_lengths_are_reported_by_folder(root: Path, plant: Plant) -> None:
    plant("src/coldframe/core/long.py", "x = 1\n" * 301)
    text = lengths.report(root)
    assert "over 300 lines, worth a second look: src/coldframe/core/long.py (301)" in text
    assert any(line.split()[:2] == ["src/coldframe/core", "3"] for line in text.splitlines())


def test_nine_in_ten_do_not_exceed_p90() -> None:
    assert lengths.p90(list(range(1, 11))) == 9
    assert lengths.p90([7]) == 7
