"""Groups of tests stay in one worker, as those that share an engine need it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CASES = """
import os, pathlib, pytest, time

@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("one", "other")])
def group(request):
    return request.param

@pytest.mark.parametrize("number", range(6))
def test_it(group, number):
    time.sleep(0.05)
    (pathlib.Path(__file__).parent / f"{group}-{number}").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""


def test_a_group_stays_in_one_worker(tmp_path):
    (tmp_path / "test_cases.py").write_text(CASES, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    words = ["-m", "pytest", "-p", "tests.groups", "-n", "2", "--dist", "loadgroup", str(tmp_path)]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=outside, capture_output=True, text=True, check=False
    )
    assert "12 passed" in done.stdout, done.stdout + done.stderr
    for group in ("one", "other"):
        workers = [file.read_text(encoding="utf-8") for file in tmp_path.glob(f"{group}-*")]
        assert len(workers) == 6
        assert len(set(workers)) == 1, workers
