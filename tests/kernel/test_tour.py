"""`coldframe tour 3` tells its story to the end on a real kernel."""

import pytest

from coldframe.cli.main import main
from coldframe.engines.keyring import Kernel
from tests.kernel.ssh import install


def test_the_story(kernel: Kernel, capfd: pytest.CaptureFixture[str]) -> None:
    install()
    code = main(["tour", "3"])
    told = capfd.readouterr()
    assert code == 0, told
    for step in (
        "256 equal bytes",
        "without the file",
        "EACCES",
        "gone from the kernel",
        "logged in, by an ssh that knows nothing of it",
        "the agent is killed, and its key gone",
        "Permission denied",
        "EKEYEXPIRED",
        "EOPNOTSUPP",
    ):
        assert step in told.out, told.out
