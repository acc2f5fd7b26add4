"""What metric filters and subscription filters have in common: the groups that may have them, and their patterns."""

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.logs.filter_patterns import FilterPattern, InvalidPattern, compile_pattern
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import LogGroup


def standard_group(call: Call, name: str, feature: str) -> LogGroup:
    """Return a group of the Standard class; raises InvalidOperationException for one whose class lacks the feature."""
    group = call.records.get(LogGroup, name)
    check_class(group, feature)
    return group


def check_class(group: LogGroup, feature: str) -> None:
    """Raise InvalidOperationException for a group whose class lacks the feature."""
    if group.group_class != "STANDARD":
        text = f"Log groups of the class {group.group_class} do not support {feature}."
        raise ServiceFault("InvalidOperationException", text)


def compiled(pattern: str) -> FilterPattern:
    """Return a filter pattern compiled; raises InvalidParameterException where it breaks the language."""
    try:
        return compile_pattern(pattern)
    except InvalidPattern as error:
        raise invalid(error.message) from error
