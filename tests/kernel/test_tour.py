"""`coldframe tour 3` tells its story to the end on a real kernel."""

import pytest

from coldframe.cli.main import main
from coldframe.engines.keyring import Kernel


def test_the_story(kernel: Kernel, capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["tour", "3"])
    told = capfd.readouterr()
    assert code == 0, told
    for step in (
        "256 equal bytes",
        "without the file",
        "EACCES",
        "gone from the kernel",
        "EKEYEXPIRED",
        "EOPNOTSUPP",
    ):
        assert step in told.out, told.out
