"""Groups of tests for pytest-xdist: its 3.8.0 writes an item's group where pytest 9.2 no longer reads an item's name."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take over the names that pytest-xdist gave, so that a group stays in one worker; without it there are none."""
    for item in items:
        named = getattr(item, "_nodeid", None)
        if named is not None and named != item.nodeid:
            item._id = type(item.id).parse(named)
