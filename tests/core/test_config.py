"""Settings: the addresses that are made of them."""

import pytest

from coldframe.core.config import address


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:4566"), ("::1", "http://[::1]:4566")]
)
def test_an_address_is_a_url(host: str, url: str) -> None:
    assert address("http", host, 4566) == url
