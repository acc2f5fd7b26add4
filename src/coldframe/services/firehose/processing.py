"""Processors of records: the one that ends records with a delimiter; the others answer 501.

Source: Amazon Data Firehose API Reference, Processor; Developer Guide, Configure destination settings, New line delimiter.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.core.faults import NotBuilt
from coldframe.services.firehose.prefixes import invalid

_DELIMITER = "AppendDelimiterToRecord"
_NEW_LINE = "\\n"


def check(given: Mapping[str, Any]) -> None:
    """Refuse processors that are not built, and parameters that are none of theirs; raises NotBuilt, InvalidArgument."""
    if not given.get("Enabled"):
        return
    processors = given.get("Processors") or []
    for each in processors:
        if each["Type"] != _DELIMITER:
            raise NotBuilt(
                f"The processor {each['Type']} is not built in coldframe's Firehose; {_DELIMITER} is."
            )
        for parameter in each.get("Parameters") or []:
            if parameter["ParameterName"] != "Delimiter":
                raise invalid(f"{parameter['ParameterName']} is not a parameter of {_DELIMITER}.")
    if len(processors) > 1:
        raise invalid(f"At most one {_DELIMITER} processor is allowed.")


def processed(given: Mapping[str, Any] | None, records: Sequence[bytes]) -> Sequence[bytes]:
    """Return records as a destination gets them; a delimiter that is not named is a new line."""
    processors = (given or {}).get("Processors") if (given or {}).get("Enabled") else None
    if not processors:
        return records
    parameters = processors[0].get("Parameters") or []
    delimiter = parameters[0]["ParameterValue"] if parameters else _NEW_LINE
    end = delimiter.replace(_NEW_LINE, "\n").encode()
    return [record + end for record in records]
