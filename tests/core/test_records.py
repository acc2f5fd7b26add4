"""Records: keys, faults, listing in every order, on both databases."""

from typing import Literal

import msgspec
import pytest

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Record, place, record
from coldframe.core.statements import following
from coldframe.core.store import Store, StoreError

HERE = ("123456789012", "eu-central-1")


@record(
    "groups",
    key=("name",),
    index=("created", "owner", "sealed", "kind"),
    missing=("ResourceNotFoundException", "The log group {name} does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The log group {name} already exists"),
)
class Group(Record):
    name: str
    created: int = 0
    owner: str | None = None
    sealed: bool = False
    kind: Literal["STANDARD", "DELIVERY"] = "STANDARD"
    tags: dict[str, str] = msgspec.field(default_factory=dict)


@record("streams", key=("group", "name"))
class Stream(Record):
    group: str
    name: str


@record("users", key=("name",), scope="account")
class User(Record):
    name: str


@record("access_keys", key=("id",), index=("account",), scope="partition")
class AccessKey(Record):
    id: str
    account: str
    region: str = ""


@pytest.fixture(autouse=True)
def _tables(store: Store) -> None:
    store.prepare([Group, Stream, User, AccessKey])


def fill(store: Store, *rows: Record) -> None:
    with store.write() as tx:
        for row in rows:
            tx.records(*HERE).add(row)


def test_a_row_comes_back_whole(store: Store) -> None:
    row = Group(name="a/ü/\U0001f600", created=2**62, owner="o'x%s", sealed=True, tags={"k": "v\0\n%"})
    fill(store, row)
    with store.read() as tx:
        assert tx.records(*HERE).get(Group, row.name) == row
        assert tx.records(*HERE).list(Group, where={"owner": "o'x%s", "sealed": True, "created": 2**62}) == [
            row
        ]


def test_missing_and_duplicate_are_the_declared_faults(store: Store) -> None:
    fill(store, Group(name="a"))
    with store.write() as tx:
        records = tx.records(*HERE)
        with pytest.raises(ServiceFault, match="The log group b does not exist") as missing:
            records.get(Group, "b")
        assert missing.value.code == "ResourceNotFoundException"
        assert records.find(Group, "b") is None
        with pytest.raises(ServiceFault, match="The log group a already exists") as duplicate:
            records.add(Group(name="a", created=9))
        assert duplicate.value.code == "ResourceAlreadyExistsException"
        for act in (records.remove, lambda row: records.change(row, created=1)):
            with pytest.raises(ServiceFault, match="b does not exist"):
                act(Group(name="b"))
        with pytest.raises(LookupError):
            records.get(User, "nobody")
    with store.read() as tx:
        assert tx.records(*HERE).list(Group) == [Group(name="a")]


def test_change_keeps_what_others_changed_since(store: Store) -> None:
    stale = Group(name="a", created=1)
    fill(store, stale)
    with store.write() as tx:
        tx.records(*HERE).change(stale, owner="them")
    with store.write() as tx:
        assert tx.records(*HERE).change(stale, created=5) == Group(name="a", created=5, owner="them")
        with pytest.raises(TypeError, match="key field name"):
            tx.records(*HERE).change(stale, name="b")
        with pytest.raises(TypeError):
            tx.records(*HERE).change(stale, colour="red")
    with store.read() as tx:
        assert tx.records(*HERE).list(Group, where={"owner": "them"}) == [
            Group(name="a", created=5, owner="them")
        ]


def test_account_and_region_are_part_of_the_key_as_the_scope_says(store: Store) -> None:
    with store.write() as tx:
        here = tx.records(*HERE)
        other_region, other_account = (
            here.elsewhere(region="us-east-1"),
            here.elsewhere(account="210987654321"),
        )
        for records in (here, other_region, other_account):
            records.add(Group(name="same"))
        here.add(User(name="u"))
        assert other_region.find(User, "u") == User(name="u")
        assert other_account.find(User, "u") is None
        here.add(AccessKey(id="AKIA", account="x", region="y"))
        assert other_account.get(AccessKey, "AKIA") == AccessKey(id="AKIA", account="x", region="y")
        assert other_account.list(AccessKey, where={"account": "x"}) != []
        assert here.count(Group) == 1
        assert [(a, r) for a, r, _ in here.everywhere(Group, where={"created": 0})] == [
            (HERE[0], "eu-central-1"),
            (HERE[0], "us-east-1"),
            ("210987654321", "eu-central-1"),
        ]


def test_keys_are_ordered_bytewise_and_prefixes_are_exact(store: Store) -> None:
    names = [
        "B",
        "a",
        "a-b",
        "a/b",
        "aZ",
        "a_",
        "ab",
        "a\uffff",
        "a\U0010ffff",
        "a\U0010ffffz",
        "b",
        "\u00e9",
        "\ud7ff",
        "\ue000",
    ]
    fill(store, *(Group(name=name) for name in names))
    with store.read() as tx:
        records = tx.records(*HERE)
        assert [row.name for row in records.list(Group)] == sorted(names)
        for prefix in ("a", "a_", "a\U0010ffff", "\ud7ff", "", "zz", "%"):
            wanted = sorted(name for name in names if name.startswith(prefix))
            assert [row.name for row in records.list(Group, starts_with=("name", prefix))] == wanted, prefix
            assert records.count(Group, starts_with=("name", prefix)) == len(wanted)
        assert [row.name for row in records.list(Group, contains=("name", "a-"))] == ["a-b"]
        assert records.list(Group, contains=("name", "A-")) == []


def test_following_knows_the_end_and_the_surrogates() -> None:
    assert following("\U0010ffff") is None
    assert following("a\U0010ffff") == "b"
    assert following("\ud7ff") == "\ue000"


@pytest.mark.parametrize("order", [None, "created", "owner", "sealed", "kind"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_meet_without_gap_or_overlap(store: Store, order: str | None, descending: bool) -> None:
    rows = [
        Group(
            name=f"g{n:02}",
            created=n % 5,
            owner=None if n % 3 == 0 else f"o{n % 2}",
            sealed=n % 2 == 0,
            kind="DELIVERY" if n % 4 else "STANDARD",
        )
        for n in range(23)
    ]
    fill(store, *rows)

    def rank(row: Group) -> tuple:
        value = getattr(row, order) if order else 0
        return (value is not None, value if value is not None else 0, row.name)

    seen, after = [], None
    with store.read() as tx:
        while page := tx.records(*HERE).list(Group, order=order, descending=descending, after=after, limit=4):
            assert len(page) <= 4
            seen += page
            after = place(page[-1], order)
    assert seen == sorted(rows, key=rank, reverse=descending)


def test_filters_combine(store: Store) -> None:
    fill(store, *(Group(name=f"g{n}", created=n, owner=None if n < 2 else "o") for n in range(6)))
    fill(store, Stream(group="g", name="x"), Stream(group="g", name="y"), Stream(group="h", name="x"))
    with store.read() as tx:
        records = tx.records(*HERE)
        assert [g.name for g in records.list(Group, where={"name": ["g5", "g1", "no"]})] == ["g1", "g5"]
        assert records.list(Group, where={"name": []}) == []
        assert [g.name for g in records.list(Group, where={"owner": None})] == ["g0", "g1"]
        assert [g.name for g in records.list(Group, below=("created", 4), where={"owner": "o"})] == [
            "g2",
            "g3",
        ]
        assert records.count(Group, below=("created", 4)) == 4
        assert [s.name for s in records.list(Stream, key_prefix=("g",))] == ["x", "y"]
        assert [s.name for s in records.list(Stream, key_prefix=("g",), after=("g", "x"))] == ["y"]
        assert records.list(Stream, limit=0) == []
        for wrong in (
            {"where": {"tags": 1}},
            {"order": "tags"},
            {"after": ("a", "b")},
            {"starts_with": ("x", "")},
        ):
            with pytest.raises(TypeError):
                records.list(Group, **wrong)
        with pytest.raises(TypeError):
            records.find(Stream, "only one")


def test_put_and_remove(store: Store) -> None:
    with store.write() as tx:
        records = tx.records(*HERE)
        records.put(Group(name="a", owner="one"))
        records.put(Group(name="a", owner="two", tags={"x": "y"}))
        assert records.get(Group, "a") == Group(name="a", owner="two", tags={"x": "y"})
        records.remove(Group(name="a"))
        assert records.count(Group) == 0


def test_a_wrong_declaration_is_said_at_once() -> None:
    class Row(Record):
        a: str
        b: list[str] = msgspec.field(default_factory=list)
        c: str | None = None

    for arguments in (
        {"key": ("z",)},
        {"key": ()},
        {"key": ("a",), "index": ("a",)},
        {"key": ("a",), "index": ("b",)},
        {"key": ("c",)},
    ):
        with pytest.raises(TypeError):
            record("rows", **arguments)(Row)


def test_two_classes_of_one_table_are_refused(store: Store) -> None:
    @record("groups", key=("name",))
    class Other(Record):
        name: str

    with pytest.raises(StoreError, match="two record classes"):
        store.prepare([Other])


@pytest.mark.parametrize("descending", [False, True])
def test_pages_behind_a_prefix_have_every_row_once(store: Store, descending: bool) -> None:
    """A listing with a key prefix and a text prefix goes on behind a position, in either direction."""
    store.prepare([Stream])
    names = ["web/1", "web/2", "weird", "x"]
    with store.write() as transaction:
        for group in ("f", "g", "h"):
            for name in names:
                transaction.records(*HERE).add(Stream(group=group, name=name))
    with store.read() as transaction:
        records = transaction.records(*HERE)
        found: list[str] = []
        after = None
        while page := records.list(
            Stream, key_prefix=("g",), starts_with=("name", "we"), after=after, descending=descending, limit=1
        ):
            found.append(page[0].name)
            after = ("g", page[0].name)
    wanted = ["web/1", "web/2", "weird"]
    assert found == (wanted[::-1] if descending else wanted)
