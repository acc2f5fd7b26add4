"""The SQL table of a record class: the decorator that declares it and the columns that follow from its annotations."""

from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import (
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from coldframe.core.faults import ServiceFault
from coldframe.core.struct_types import whole

Scope = Literal["region", "account", "partition"]
Fault = tuple[str, str]

# An underscore keeps them apart from the fields, which may well be called `account` or `region`.
ACCOUNT, REGION, BODY = "_account", "_region", "_body"

_TYPES: dict[type, Callable[[], TypeEngine[Any]]] = {
    # SQLite compares text bytewise by itself; PostgreSQL only in the C collation.
    str: lambda: String().with_variant(Text(collation="C"), "postgresql"),
    int: BigInteger,
    bool: lambda: Boolean(create_constraint=False),
    float: lambda: Float(53),
}


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class RecordType(msgspec.StructMeta):
    """Makes every record frozen, built by keyword, and stored without the fields that have their defaults."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        """Build the class as msgspec does."""
        return super().__new__(
            cls, name, bases, namespace, **{"frozen": True, "kw_only": True, "omit_defaults": True, **config}
        )


class Record(msgspec.Struct, metaclass=RecordType):
    """A typed row. Subclasses are declared with `@record`; a new field with a default needs no migration."""

    __record__: ClassVar["Declaration"]


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Declaration:
    """What `@record` said about a class, and the table made of it."""

    name: str
    key: tuple[str, ...]
    index: tuple[str, ...]
    scope: Scope
    missing: Fault | None
    duplicate: Fault | None
    nullable: frozenset[str]
    table: Table
    decode: Callable[[str], Any]

    def place(self, account: str, region: str) -> tuple[str, str]:
        """Account and region as the key has them: empty where the scope is wider."""
        if self.scope == "region":
            return account, region
        return (account, "") if self.scope == "account" else ("", "")

    def fault(self, kind: Literal["missing", "duplicate"], key: tuple[Any, ...]) -> Exception:
        """The declared fault for this key, or a LookupError/ValueError where none was declared."""
        declared = self.missing if kind == "missing" else self.duplicate
        if declared is None:
            text = f"{self.name}: {kind} {key!r}"
            return LookupError(text) if kind == "missing" else ValueError(text)
        code, text = declared
        return ServiceFault(code, text.format(**dict(zip(self.key, key, strict=True))))


def record(
    name: str,
    *,
    key: tuple[str, ...],
    index: tuple[str, ...] = (),
    scope: Scope = "region",
    missing: Fault | None = None,
    duplicate: Fault | None = None,
) -> Callable[[type[R]], type[R]]:
    """Declare a record class: its table, its key below account and region, the fields to list by, its two faults.

    `missing` and `duplicate` are (modelled error name, text); the text may hold key fields in braces.
    """

    def declare(cls: type[R]) -> type[R]:
        hints = get_type_hints(cls)
        for field in (*key, *index):
            if field not in cls.__struct_fields__:
                raise TypeError(f"{cls.__name__} has no field {field!r}, which @record names")
        if not key or set(key) & set(index):
            raise TypeError(f"{cls.__name__}: the key must not be empty nor share fields with the index")
        kinds = {field: _kind(cls, field, hints[field]) for field in (*key, *index)}
        optional = frozenset(field for field, (_, nullable) in kinds.items() if nullable)
        if optional & set(key):
            raise TypeError(f"{cls.__name__}: a key field may not be None")
        cls.__record__ = Declaration(
            name=name,
            key=key,
            index=index,
            scope=scope,
            missing=missing,
            duplicate=duplicate,
            nullable=optional,
            table=_table(name, key, index, {field: kind for field, (kind, _) in kinds.items()}),
            decode=msgspec.json.Decoder(whole(cls)).decode,
        )
        return cls

    return declare


def _kind(cls: type[Record], field: str, hint: Any) -> tuple[type, bool]:
    """The plain type of an annotation, and whether it may be None."""
    parts = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    kinds = {_plain(part) for part in parts if part is not NoneType}
    if len(kinds) == 1 and (kind := kinds.pop()) in _TYPES:
        return kind, NoneType in parts
    raise TypeError(
        f"{cls.__name__}.{field}: a key or index field is a str, int, bool or float, not {hint!r}"
    )


def _plain(part: Any) -> Any:
    if get_origin(part) is Literal:
        return type(get_args(part)[0])
    return part


def _table(name: str, key: tuple[str, ...], index: tuple[str, ...], kinds: dict[str, type]) -> Table:
    scope = [Column(column, _TYPES[str](), nullable=False) for column in (ACCOUNT, REGION)]
    keys = [Column(field, _TYPES[kinds[field]](), nullable=False) for field in key]
    # Nullable even when the field is not: a column added later is empty until it is filled from the body.
    others = [Column(field, _TYPES[kinds[field]](), nullable=True) for field in index]
    table = Table(
        name,
        MetaData(),
        *scope,
        *keys,
        *others,
        Column(BODY, _TYPES[str](), nullable=False),
        PrimaryKeyConstraint(ACCOUNT, REGION, *key, name=f"{name}_key"),
    )
    for field in index:
        Index(f"{name}_by_{field}", *(table.c[column] for column in (ACCOUNT, REGION, field, *key)))
    return table
