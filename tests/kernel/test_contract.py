"""The real kernel does what the contract says, and so does the fake: what is tested with the fake holds."""

import pytest

from coldframe.engines.keyring import Kernel
from tests.engines.keyring.contract import KeyServiceContract


class TestKernel(KeyServiceContract):
    @pytest.fixture
    def service(self, kernel: Kernel) -> Kernel:
        return kernel
