"""The faults of alarm operations that the model leaves to the wire: codes with their HTTP status."""

from coldframe.core.faults import ServiceFault


def invalid(message: str) -> ServiceFault:
    """Return the fault for parameters that contradict each other or a rule of the documentation."""
    return ServiceFault("ValidationError", message, status=400)


def missing(message: str) -> ServiceFault:
    """Return the fault for an alarm that is not there."""
    return ServiceFault("ResourceNotFound", message)
