"""The configuration of a transformer: its processors with the documented limits, as they come in requests and policies."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from coldframe.core.struct_types import whole
from coldframe.services.logs.transformers.errors import InvalidTransformer

MOST_PROCESSORS = 20
MOST_PATTERN = 256
"""Characters of a date pattern: AWS documents no limit for patterns that are matched."""

DEFAULT_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"

Key = Annotated[str, Meta(min_length=1, max_length=128)]
Keys5 = Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1, max_length=5)]
Keys10 = Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1, max_length=10)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    pass


class ParseJSON(_Part, frozen=True):
    """Takes the members out of JSON text."""

    source: Key = "@message"
    destination: Key | None = None


class Grok(_Part, frozen=True):
    """Takes fields out of text with named patterns."""

    match: Annotated[str, Meta(min_length=1, max_length=512)]
    source: Key = "@message"


class Csv(_Part, frozen=True):
    """Takes columns out of a line of separated values."""

    source: Key = "@message"
    destination: Key | None = None
    delimiter: Annotated[str, Meta(min_length=1, max_length=2)] = ","
    quote_character: Annotated[str, Meta(min_length=1, max_length=1)] = '"'
    columns: Annotated[list[Key], Meta(max_length=100)] = []


class ParseKeyValue(_Part, frozen=True):
    """Takes key-value pairs out of text."""

    source: Key = "@message"
    destination: Key | None = None
    field_delimiter: Key = "&"
    key_value_delimiter: Key = "="
    key_prefix: Key = ""
    non_match_value: Key | None = None
    overwrite_if_exists: bool = False


class VendedParser(_Part, frozen=True):
    """A parser for the log format of one AWS service."""

    source: Key = "@message"


class ParseToOCSF(_Part, frozen=True):
    """The conversion into the Open Cybersecurity Schema Framework."""

    event_source: str
    ocsf_version: str
    source: Key = "@message"
    mapping_version: str = ""


class WithKeys5(_Part, frozen=True):
    """A processor on up to five fields."""

    with_keys: Keys5


class WithKeys10(_Part, frozen=True):
    """A processor on up to ten fields."""

    with_keys: Keys10


class AddKeyEntry(_Part, frozen=True):
    """One field to add."""

    key: Key
    value: Annotated[str, Meta(min_length=1, max_length=256)]
    overwrite_if_exists: bool = False


class AddKeys(_Part, frozen=True):
    """Adds fields of constant values."""

    entries: Annotated[list[AddKeyEntry], Meta(min_length=1, max_length=5)]


class TransferEntry(_Part, frozen=True):
    """One value to copy or move."""

    source: Key
    target: Key
    overwrite_if_exists: bool = False


class Transfers(_Part, frozen=True):
    """Copies or moves values."""

    entries: Annotated[list[TransferEntry], Meta(min_length=1, max_length=5)]


class RenameEntry(_Part, frozen=True):
    """One field to rename."""

    key: Key
    rename_to: Key
    overwrite_if_exists: bool = False


class RenameKeys(_Part, frozen=True):
    """Renames fields."""

    entries: Annotated[list[RenameEntry], Meta(min_length=1, max_length=5)]


class ListToMap(_Part, frozen=True):
    """Makes an object out of a list of objects."""

    source: Key
    key: Key
    value_key: Key | None = None
    target: Key | None = None
    flatten: bool = False
    flattened_element: Literal["first", "last"] | None = None


class SplitEntry(_Part, frozen=True):
    """One field to split."""

    source: Key
    delimiter: Key


class SplitString(_Part, frozen=True):
    """Splits strings into lists."""

    entries: Annotated[list[SplitEntry], Meta(min_length=1, max_length=10)]


class SubstituteEntry(_Part, frozen=True):
    """One field whose text is replaced."""

    source: Key
    to: Key
    pattern: Key = msgspec.field(name="from")


class SubstituteString(_Part, frozen=True):
    """Replaces what a regular expression matches."""

    entries: Annotated[list[SubstituteEntry], Meta(min_length=1, max_length=10)]


class TypeEntry(_Part, frozen=True):
    """One field to convert."""

    key: Key
    type: Literal["boolean", "integer", "double", "string"]


class TypeConverter(_Part, frozen=True):
    """Converts values to other types."""

    entries: Annotated[list[TypeEntry], Meta(min_length=1, max_length=5)]


class DateTimeConverter(_Part, frozen=True):
    """Reads a date and writes it in another format."""

    source: Key
    target: Key
    match_patterns: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MOST_PATTERN)]], Meta(min_length=1, max_length=5)
    ]
    target_format: Annotated[str, Meta(min_length=1, max_length=64)] = DEFAULT_FORMAT
    source_timezone: Annotated[str, Meta(min_length=1)] = "UTC"
    target_timezone: Annotated[str, Meta(min_length=1)] = "UTC"
    locale: Annotated[str, Meta(min_length=1)] = "en"


_ABBREVIATIONS = {"json": "JSON", "ocsf": "OCSF", "vpc": "VPC", "waf": "WAF"}


def _wire_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(_ABBREVIATIONS.get(word, word.capitalize()) for word in others)


class Processor(_Part, frozen=True, rename=_wire_name):
    """One step: exactly one of the members is there."""

    add_keys: AddKeys | None = None
    copy_value: Transfers | None = None
    csv: Csv | None = None
    date_time_converter: DateTimeConverter | None = None
    delete_keys: WithKeys5 | None = None
    grok: Grok | None = None
    list_to_map: ListToMap | None = None
    lower_case_string: WithKeys10 | None = None
    move_keys: Transfers | None = None
    parse_cloudfront: VendedParser | None = None
    parse_json: ParseJSON | None = None
    parse_key_value: ParseKeyValue | None = None
    parse_postgres: VendedParser | None = None
    parse_route53: VendedParser | None = None
    parse_to_ocsf: ParseToOCSF | None = None
    parse_vpc: VendedParser | None = None
    parse_waf: VendedParser | None = None
    rename_keys: RenameKeys | None = None
    split_string: SplitString | None = None
    substitute_string: SubstituteString | None = None
    trim_string: WithKeys10 | None = None
    type_converter: TypeConverter | None = None
    upper_case_string: WithKeys10 | None = None

    @property
    def chosen(self) -> tuple[str, Any]:
        """The processor's name and its settings; raises InvalidTransformer unless there is exactly one."""
        fields = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        there = [(wire, value) for name, wire in fields if (value := getattr(self, name)) is not None]
        if len(there) != 1:
            names = ", ".join(name for name, _ in there) or "none"
            raise InvalidTransformer(
                f"exactly one processor is possible in each element, and there is {names}"
            )
        return there[0]


def read(configuration: Any) -> list[tuple[str, Any]]:
    """Return the processors of a transformerConfig, by name, with their settings; raises InvalidTransformer."""
    try:
        processors = msgspec.convert(configuration, whole(_Configuration))
    except msgspec.ValidationError as error:
        raise InvalidTransformer(str(error)) from error
    except UnicodeEncodeError as error:
        raise InvalidTransformer("a name in the configuration is no valid Unicode") from error
    return [processor.chosen for processor in processors]


_Configuration = Annotated[list[Processor], Meta(min_length=1, max_length=MOST_PROCESSORS)]
