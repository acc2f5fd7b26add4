"""The faults of RDS that its model does not name: a bad value, and values that do not go together."""

from coldframe.core.faults import ServiceFault


def bad_value(message: str) -> ServiceFault:
    """Return InvalidParameterValue: one member has a value that it may not have."""
    return ServiceFault("InvalidParameterValue", message, status=400)


def bad_combination(message: str) -> ServiceFault:
    """Return InvalidParameterCombination: members that do not go together, or not with what is there."""
    return ServiceFault("InvalidParameterCombination", message, status=400)


def missing_parameter(message: str) -> ServiceFault:
    """Return MissingParameter: a member that this request needs."""
    return ServiceFault("MissingParameter", message, status=400)


def wrong_state(message: str) -> ServiceFault:
    """Return InvalidDBInstanceState: the instance cannot do this as it is now."""
    return ServiceFault("InvalidDBInstanceStateFault", message)
