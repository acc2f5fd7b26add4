"""Files of exports apart from databases: when one is full the next begins, what has no form in Parquet, and their names."""

import pytest
from pyarrow import parquet

from coldframe.core.faults import ServiceFault
from coldframe.engines.contents import Column, Table
from coldframe.services.rds import export_places, table_files
from coldframe.services.rds.records import ExportTask


def test_a_full_file_is_followed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "_GROUP_ROWS", 2)
    columns = [Column("id", "int", "int32")]
    rows = ([(str(number).encode(),)] for number in range(5))
    found = [
        parquet.read_table(path)["id"].to_pylist()
        for path in table_files.files(columns, rows, tmp_path, most=1)
    ]
    assert found == [[0, 1], [2, 3], [4]]
    assert list(tmp_path.iterdir()) == []


def test_no_rows_make_no_file(tmp_path):
    assert list(table_files.files([Column("id", "int", "int32")], iter([[]]), tmp_path)) == []


def test_a_file_that_nobody_takes_is_removed(tmp_path):
    def failing():
        yield [(b"1",)]
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        list(table_files.files([Column("id", "int", "int32")], failing(), tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (Column("y", "year", "int32"), b"0000", 0),
        (Column("z", "int", "int32"), b"00042", 42),
        (Column("t", "datetime", "moment"), b"0000-00-00 00:00:00", None),
        (Column("s", "text", "text"), b"\xff", "�"),
    ],
)
def test_odd_values_have_a_form(tmp_path, column, value, expected):
    found = [
        parquet.read_table(each)[column.name].to_pylist()
        for each in table_files.files([column], [[(value,)]], tmp_path)
    ]
    assert found == [[expected]]


def task(**more):
    fields = dict.fromkeys(("source", "engine", "version", "folder", "bucket", "role", "key", "status"), "")
    return ExportTask(identifier="one", snapshot_time=0, **(fields | more))


def table(name="t", column="id"):
    return Table("app", "public", name, [Column(column, "int", "int32")], [])


def test_names_are_those_of_rds_and_the_same_again():
    folder = export_places.table_folder(task(prefix="/a/"), table('odd "one`'))
    assert folder == "a/one/app/public.odd__one_"
    name = export_places.file_name(folder, 1, 2)
    assert name.startswith(f"{folder}/1/part-00002-")
    assert name.endswith("-c000.gz.parquet")
    assert name == export_places.file_name(folder, 1, 2)
    assert name != export_places.file_name(folder, 2, 2)


def test_tables_that_files_cannot_have_are_left_out():
    assert export_places.left_out(table()) == ""
    assert "slash" in export_places.left_out(table("a/b"))
    for character in ",;{}()\n\t= ":
        assert "column" in export_places.left_out(table(column=f"a{character}b"))


def test_what_is_named_is_taken_and_what_nothing_has_is_told():
    one, two = table("one"), table("two")
    assert export_places.chosen([one, two], [], schemas=True) == ([one, two], [])
    assert export_places.chosen([one, two], ["app.public.two"], schemas=True) == ([two], [])
    assert export_places.chosen([one, two], ["app", "b"], schemas=True) == ([one, two], ["b"])
    export_places.check_only(["app", "app.t"], schemas=False)
    for only, schemas in (("a.b.c", False), ("a.b.c.d", True), ("", True), ("a-b", True)):
        with pytest.raises(ServiceFault):
            export_places.check_only([only], schemas=schemas)
