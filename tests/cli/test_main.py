"""The command line: what it prints and how it ends, for good words and bad ones."""

import argparse
from pathlib import Path

import pytest

from coldframe import __version__
from coldframe.cli import up
from coldframe.cli.main import COMMANDS, main
from coldframe.server import files


@pytest.fixture(autouse=True)
def no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server of this machine is meant."""
    monkeypatch.setenv("COLDFRAME_DATA", str(tmp_path / "none"))


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_overview_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in COMMANDS)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "aws"])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: coldframe {name}" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"coldframe {__version__}\n"


def test_an_unknown_command_ends_with_2_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "there is no command 'fly'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["env"], ["aws", "sts", "get-caller-identity"]])
def test_without_a_server_a_command_says_how_to_start_one(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    printed = capsys.readouterr()
    assert "coldframe up" in printed.err and printed.out == ""


@pytest.mark.parametrize("text", ["99999", "-1", "abc", "", "٣"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="0 to 65535"):
        up.port(text)


def test_ports_up_to_the_last_are_taken() -> None:
    assert [up.port(text) for text in ("0", "4566", "65535")] == [0, 4566, 65535]


def test_installing_no_engine_or_an_unknown_one_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "install"]) == 2
    assert main(["engines", "install", "nothing"]) == 1
    assert "there is no engine 'nothing'" in capsys.readouterr().err


def test_a_version_that_no_engine_has_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["engines", "install", "mariadb-1.2", "--cache", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "'mariadb-1.2'" in said
    assert "mariadb-11.8" in said


def test_engines_are_listed_with_their_other_versions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed[listed.index("mariadb") + 1] == "mariadb-11.8"


def test_databases_of_no_data_directory_are_not_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engines", "stop", "--data", str(tmp_path)]) == 1
    assert f"{tmp_path} is no data directory" in capsys.readouterr().err


def test_a_folder_that_is_no_backup_is_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "--verify", str(tmp_path)]) == 1
    assert f"{tmp_path} is no whole backup" in capsys.readouterr().err


def test_without_a_tls_port_no_address_is_given_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.write(tmp_path, files.ServerFile("http://127.0.0.1:9", "", "", "us-east-1", dev=False, pid=1))
    files.write(tmp_path, files.RootCredentials("1" * 12, "AKIA", "secret"))
    assert main(["env", "--data", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["env", "--tls", "--data", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "--tls-port" in printed.err
