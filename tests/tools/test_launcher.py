"""The launcher ./coldframe in a checkout of its own, with a Python that only writes down what it is asked to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).parents[2] / "coldframe"
NEEDED = [
    "sh",
    "cat",
    "cksum",
    "dirname",
    "readlink",
    "grep",
    "tail",
    "id",
    "flock",
    "mkdir",
    "rm",
    "cp",
    "chmod",
    "sleep",
]

# Stands for the system's Python and, copied, for the environment's: notes its words, makes what the real one makes.
PYTHON = """#!/bin/sh
echo "$(basename "$0") $*" >>"$NOTES"
case "$*" in
*"from ensurepip import"*) [ -z "${NO_VENV:-}" ] || [ -e "$NOTES.installed" ] ;;
*"print("*) echo python3.11-venv ;;
-c*) exit 0 ;;
"-m pip --python"*) [ -n "${PIP:-}" ] ;;
"-m venv"*) for last; do :; done; rm -rf "$last"; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
*"pip --version") exit 0 ;;
*"pip install"*)
    sleep "${SLOW:-0}"
    [ -z "${BREAK:-}" ] || { echo "no wheel of granian"; exit 1; }
    printf '#!/bin/sh\\necho "coldframe $*"\\n' >"$(dirname "$0")/coldframe"
    chmod +x "$(dirname "$0")/coldframe" ;;
*check.py*) echo "checks ${*#*check.py}" ;;
esac
"""


class Checkout:
    """A folder with the launcher and the files it reads, and a PATH with nothing but what it needs."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.bin = folder / "bin"
        self.notes = folder / "notes"
        self.root.mkdir()
        self.bin.mkdir()
        shutil.copy(LAUNCHER, self.root / "coldframe")
        for name in ("pyproject.toml", "constraints.txt"):
            (self.root / name).write_text(f"{name}\n")
        for name in [*NEEDED, "basename"]:
            (self.bin / name).symlink_to(shutil.which(name) or name)
        self.python = self.bin / "python3.11"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)

    def start(
        self, *words: str, launcher: Path | None = None, cwd: str = "/", **variables: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [launcher or self.root / "coldframe", *words],
            cwd=cwd,
            env={"PATH": str(self.bin), "NOTES": str(self.notes), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **more: str) -> tuple[int, str, str]:
        return ended(self.start(*words, **more))

    def asked(self, words: str) -> int:
        """How often a Python was asked for something with these words."""
        return self.notes.read_text().count(words) if self.notes.exists() else 0


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_first_run_installs_and_the_second_is_quiet(checkout: Checkout) -> None:
    code, out, err = checkout.run("up", "--dev")
    assert (code, out) == (0, "coldframe up --dev\n")
    assert "installing what it needs" in err
    assert checkout.asked("-m compileall") == 1
    before = checkout.notes.read_text()
    assert checkout.run("env") == (0, "coldframe env\n", "")
    assert checkout.notes.read_text() == before


def test_it_works_through_a_symlink_from_any_folder(checkout: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "cf"
    link.symlink_to(checkout.root / "coldframe")
    assert ended(checkout.start("env", launcher=link, cwd=str(tmp_path)))[:2] == (0, "coldframe env\n")
    assert not (tmp_path / ".venv").exists()


def test_two_launchers_at_once_install_once(checkout: Checkout) -> None:
    both = [checkout.start("env", SLOW="1") for _ in range(2)]
    assert [ended(process)[:2] for process in both] == [(0, "coldframe env\n")] * 2
    assert checkout.asked("pip install") == 1


def test_new_dependencies_are_installed(checkout: Checkout) -> None:
    checkout.run("env")
    (checkout.root / "constraints.txt").write_text("newer\n")
    assert "installing" in checkout.run("env")[2]
    assert (checkout.asked("pip install"), checkout.asked("-m venv")) == (2, 1)


def test_an_interrupted_environment_is_made_anew(checkout: Checkout) -> None:
    half = checkout.root / ".venv/bin"
    half.mkdir(parents=True)
    (half / "python").symlink_to("gone")
    assert checkout.run("env")[:2] == (0, "coldframe env\n")
    assert checkout.asked("-m venv --clear") == 1


def test_a_failed_install_says_why_and_the_next_run_tries_again(checkout: Checkout) -> None:
    code, _, err = checkout.run("env", BREAK="1")
    assert code == 1
    assert "no wheel of granian" in err and "install.log" in err
    assert checkout.run("env")[:2] == (0, "coldframe env\n")


def test_without_a_python_it_says_what_to_install(checkout: Checkout) -> None:
    checkout.python.unlink()
    code, _, err = checkout.run("env")
    assert code == 1 and "Python 3.11 or newer is needed" in err


def test_without_the_venv_module_it_names_the_package(checkout: Checkout) -> None:
    code, _, err = checkout.run("env", NO_VENV="1")
    assert code == 1 and "apt-get install python3.11-venv" in err


def test_without_the_venv_module_the_pip_of_the_system_does(checkout: Checkout) -> None:
    assert checkout.run("env", NO_VENV="1", PIP="1")[:2] == (0, "coldframe env\n")
    assert checkout.asked("-m venv --without-pip") == 1
    assert checkout.asked(f"--python {checkout.root}/.venv/bin/python install") == 1


def test_as_root_on_debian_it_installs_the_venv_module(checkout: Checkout) -> None:
    for name, does in {
        "id": "echo 0",
        "apt-get": 'echo "apt-get $*" >>"$NOTES"; [ "$1" = update ] || : >"$NOTES.installed"',
    }.items():
        (checkout.bin / name).unlink(missing_ok=True)
        (checkout.bin / name).write_text(f"#!/bin/sh\n{does}\n")
        (checkout.bin / name).chmod(0o755)
    assert checkout.run("env", NO_VENV="1")[:2] == (0, "coldframe env\n")
    assert checkout.asked("apt-get update") == checkout.asked("apt-get install -y -qq python3.11-venv") == 1


def test_without_permission_to_write_it_says_so(checkout: Checkout) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    checkout.root.chmod(0o555)
    code, _, err = checkout.run("env")
    assert code == 1 and "cannot be written" in err


def test_the_tests_have_their_own_install_and_get_the_words(checkout: Checkout) -> None:
    assert checkout.run("test", "lint", "-k", "x")[:2] == (0, "checks  lint -k x\n")
    assert checkout.asked("[test]") == 1
    checkout.run("test")
    assert checkout.asked("[test]") == 1
