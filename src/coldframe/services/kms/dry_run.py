"""DryRun: everything is checked and nothing is done."""

from typing import Any

from coldframe.core.faults import ServiceFault


def end_dry_run(request: dict[str, Any]) -> None:
    """Raise DryRunOperationException where the request only asks whether it would succeed."""
    if request.get("DryRun"):
        raise ServiceFault(
            "DryRunOperationException", "The request would have succeeded, but the DryRun option is set."
        )
