"""A small tree that keeps every rule, into which the tests plant what breaks one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.structure.rules import service_pages

CLEAN = {
    "src/coldframe/__init__.py": '"""A package of the tree under test."""\n',
    "src/coldframe/server/services.py": '"""The list of services."""\n\nSERVICES = ("coldframe.services.sts",)\n',
    "src/coldframe/services/sts/__init__.py": '"""STS, as far as a test needs it."""\n',
    "src/coldframe/services/sts/operations/__init__.py": '"""The operations of STS."""\n',
    "src/coldframe/services/sts/operations/caller_identity.py": (
        '"""Who is calling, in one operation."""\n\n\ndef get_caller_identity(call, request):\n    return {}\n'
    ),
    "src/coldframe/services/sts/service.toml": (
        'model = "sts"\ncalls = ["iam"]\n\n[remarks]\n"Assume*" = "Roles are not built."\n'
        '"Get*Token" = "Tokens are not built."\nGetAccessKeyInfo = "Keys are not built."\n'
        'DecodeAuthorizationMessage = "Messages are not encoded."\n'
    ),
    "src/coldframe/core/service.py": (
        '"""What a service says of itself."""\n\n\nclass Manifest:\n    model: str\n    calls: list[str]\n'
        "    remarks: dict[str, str]\n"
    ),
    "src/coldframe/core/config.py": '"""What may be set."""\n\n\nclass Settings:\n    port: int = 1\n',
    "src/coldframe/cli/main.py": '"""The command line, in one table."""\n\nCOMMANDS = {"up": "serve"}\n',
    "src/coldframe/cli/up.py": '"""The command up, which serves."""\n\nparser.add_argument("--port")\n',
    "docs/cli.md": "# Commands\n\n## `coldframe up`\n\n`--port N` is the port.\n",
    "docs/settings.md": "| setting | meaning |\n| --- | --- |\n| `port` | where it listens |\n",
    "docs/decisions/0002-dependencies.md": "| package | why |\n| --- | --- |\n| `msgspec` | decodes |\n",
    "README.md": "".join(f"| {number} | a system | not yet |\n" for number in range(1, 19)),
    "pyproject.toml": '[project]\nname = "coldframe"\ndependencies = [\n    "msgspec>=0.20",\n]\n',
    "constraints.txt": "# Pinned.\nmsgspec==0.22.0\n",
}

Plant = Callable[[str, str], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a tree without a problem."""
    for name, content in CLEAN.items():
        _write(tmp_path, name, content)
    service_pages.write(tmp_path)
    return tmp_path


@pytest.fixture
def plant(root: Path) -> Plant:
    """Write a file of the tree anew."""
    return lambda name, content: _write(root, name, content)


def _write(root: Path, name: str, content: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(content, encoding="utf-8")
