"""Fixtures of the job tests: the crash harness."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def crash() -> ModuleType:
    """The module beside this one, whichever way the tests are imported."""
    spec = importlib.util.spec_from_file_location(
        "coldframe_tests_crash", Path(__file__).with_name("crash.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
