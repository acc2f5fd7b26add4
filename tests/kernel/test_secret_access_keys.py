"""No byte of a user's secret in a server's memory, on kernels that compute with it (6.12) and that only keep it (6.1)."""

import pytest

from coldframe.server.master_key import rung_of
from tests.journeys.test_secrets_in_memory import (  # noqa: F401
    data,
    session,
    test_a_server_of_the_same_session_finds_its_keys_and_asks_for_nothing,
    test_a_server_that_keeps_a_secret_is_found_out,
    test_no_byte_of_a_secret_is_in_the_memory_of_the_server,
)
from tests.kernel.test_server_secrets import RUNG

# Whole servers start here, several times, where every instruction is emulated.
pytestmark = pytest.mark.timeout(900)


def test_the_rung_is_the_highest_of_this_kernel() -> None:
    assert rung_of() == RUNG
