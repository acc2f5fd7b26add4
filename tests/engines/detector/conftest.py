"""Detectors for the tests: one per prefilter, with the compiled database kept for the run."""

from pathlib import Path

import pytest

from coldframe.engines.detector import Detector


@pytest.fixture(scope="session")
def database_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("databases")


@pytest.fixture(scope="session", params=["hyperscan", "re2"])
def detector(request: pytest.FixtureRequest, database_cache: Path) -> Detector:
    if request.param == "hyperscan":
        pytest.importorskip("hyperscan")
    return Detector(request.param, database_cache)


@pytest.fixture(scope="session")
def both(database_cache: Path) -> tuple[Detector, Detector]:
    pytest.importorskip("hyperscan")
    return Detector("hyperscan", database_cache), Detector("re2")
