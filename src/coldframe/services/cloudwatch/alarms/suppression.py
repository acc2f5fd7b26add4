"""Whether a composite alarm's actions are suppressed: by its suppressor, or while it waits for it.

Source: Amazon CloudWatch User Guide, "Suppressing composite alarm actions".
"""

from collections.abc import Mapping
from typing import Any


def suppressed_by(
    configuration: Mapping[str, Any],
    *,
    state: str,
    transitioned: int,
    suppressor: str | None,
    suppressor_left: int | None,
    now: int,
) -> str | None:
    """Return `Alarm`, `WaitPeriod`, `ExtensionPeriod` or None; times are milliseconds.

    `suppressor` is the suppressor's state and `suppressor_left` the time when it last went out of ALARM.
    """
    if "ActionsSuppressor" not in configuration:
        return None
    if suppressor == "ALARM":
        return "Alarm"
    extension = configuration["ActionsSuppressorExtensionPeriod"] * 1000
    if suppressor_left is not None and now < suppressor_left + extension:
        return "ExtensionPeriod"
    wait = configuration["ActionsSuppressorWaitPeriod"] * 1000
    # Whoever has seen the suppressor leave has waited for it already.
    if state == "ALARM" and now < transitioned + wait and (suppressor_left or 0) < transitioned:
        return "WaitPeriod"
    return None
