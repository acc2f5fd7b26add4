"""Fixtures of the database tests: the engines, and instances that are stopped and removed at the end."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coldframe.engines.database import InstanceSpec
from tests.engines.databases.kits import KITS, MASTER, Kit


@pytest.fixture(scope="session", params=sorted(KITS))
def kit(request: pytest.FixtureRequest) -> Kit:
    """Each engine in turn."""
    return KITS[request.param]()


class Instances:
    """Makes instances of one engine and takes them away again."""

    def __init__(self, kit: Kit, folder: Path) -> None:
        self.kit, self.folder = kit, folder
        self.made: dict[str, InstanceSpec] = {}

    @classmethod
    @contextlib.contextmanager
    def somewhere(cls, kit: Kit) -> Iterator["Instances"]:
        """Instances in a folder of their own, all gone at the end.

        Not below pytest's own folder: another run that begins takes back the right of others to pass through it.
        """
        with tempfile.TemporaryDirectory(prefix="coldframe-databases-") as folder:
            made = cls(kit, Path(folder))
            try:
                yield made
            finally:
                made.close()

    def spec(self, name: str, **more: Any) -> InstanceSpec:
        """A spec that is known here, so that its instance is stopped at the end."""
        self.made[name] = made = self.kit.spec(self.folder, name, **more)
        return made

    def running(self, name: str, **more: Any) -> InstanceSpec:
        """An instance that has been created and started, with the database `app`."""
        made = self.spec(name, **more)
        self.kit.engine.create(made, MASTER, "app")
        self.kit.engine.start(made)
        return made

    def close(self) -> None:
        """Stop and remove all."""
        for made in self.made.values():
            with contextlib.suppress(FileNotFoundError):
                self.kit.engine.stop(made, at_once=True)
                self.kit.engine.destroy(made)


@pytest.fixture(scope="module")
def instances(kit: Kit) -> Iterator[Instances]:
    """Instances that the tests of a module share."""
    with Instances.somewhere(kit) as made:
        yield made


@pytest.fixture(scope="module")
def shared(instances: Instances) -> InstanceSpec:
    """One running instance for tests that leave it as they found it."""
    return instances.running("shared")


@pytest.fixture
def socket_of(kit: Kit) -> Callable[[InstanceSpec], Path]:
    """Where a running instance listens."""

    def find(spec: InstanceSpec) -> Path:
        running = kit.engine.reattach(spec)
        assert running is not None
        return running.socket

    return find
