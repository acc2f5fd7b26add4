"""Deletion protection: a log group that has it, and its streams, cannot be deleted."""

from coldframe.core.faults import ServiceFault
from coldframe.services.logs.records import LogGroup


def refuse_protected(group: LogGroup) -> None:
    """Raise the fault for deleting a group, or of it, that is protected from deletion."""
    if group.deletion_protection:
        text = (
            f"The log group {group.name} has deletion protection enabled."
            " Disable it with PutLogGroupDeletionProtection first."
        )
        raise ServiceFault("ValidationException", text)
