"""The README's first five minutes, typed as they stand there, against a server of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.journeys.process import SOURCES, ServerProcess

README = Path(__file__).parents[2] / "README.md"
LAUNCHER = f"""#!/bin/sh
exec '{sys.executable}' -c 'import sys; from coldframe.cli.main import main; sys.exit(main())' "$@"
"""


def block(language: str, word: str) -> str:
    """The one code block of the README in this language that has the word."""
    found = re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (chosen,) = [text for text in found if word in text]
    return str(chosen)


def test_the_first_five_minutes_do_what_the_readme_says(tmp_path: Path) -> None:
    launcher = tmp_path / "coldframe"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    (tmp_path / "first.py").write_text(block("python", "import boto3"))
    script = f"set -eu\n{block('sh', 'create-log-group')}\n'{sys.executable}' first.py\n"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with ServerProcess(tmp_path / "data"):
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=tmp_path,
            env={**clean, "COLDFRAME_DATA": str(tmp_path / "data"), "PYTHONPATH": str(SOURCES)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    assert ":root" in printed
    masked, whole = printed.index("order 17 by ****************, credit"), printed.index("order 17 by jane@")
    assert masked < whole
    assert "refund to ***************" in printed and "joe@example.org" not in printed
    assert "not authorized to perform: logs:Unmask" in printed
