"""A read under way: an iterator that lets go of its segment files when it ends, is closed or is forgotten."""

from collections.abc import Iterator
from typing import Self

from coldframe.engines.logstore.rows import Columns, Row
from coldframe.engines.logstore.tables import View


class ColumnScan(Iterator[Columns]):
    """Portions of rows as columns."""

    def __init__(self, portions: Iterator[Columns], view: View) -> None:
        self._portions = portions
        self._view = view

    def __next__(self) -> Columns:
        try:
            return next(self._portions)
        except BaseException:
            self._view.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._view.close()


class RowScan(Iterator[Row]):
    """Rows one by one."""

    def __init__(self, columns: ColumnScan) -> None:
        self._columns = columns
        self._rows: Iterator[Row] = iter(())

    def __next__(self) -> Row:
        while (row := next(self._rows, None)) is None:
            self._rows = next(self._columns).rows()
        return row

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._columns.__exit__(*raised)
