"""Cells of one series and one resolution in columns, from which points are read the same way wherever the cells lie."""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from operator import truediv
from typing import NamedTuple

from coldframe.engines.metricstore.cell import Cell

Column = Sequence[float | None]


class Columns(ABC):
    """Cells in the order of time: `times` in seconds and four numbers of each; a subclass knows their distributions."""

    __slots__ = ("counts", "leasts", "mosts", "sums", "times")

    times: Sequence[int]
    counts: "array[float]"
    sums: "array[float]"
    leasts: "array[float]"
    mosts: "array[float]"

    @abstractmethod
    def column(self, name: str) -> Column:
        """Return a statistic of every cell, None where it cannot be had; not to be changed. Raises UnknownStatistic."""

    @abstractmethod
    def copies(self, rows: Sequence[int]) -> list[Cell]:
        """Return cells of one's own with what some rows hold."""

    def simple(self, name: str) -> "array[float] | None":
        """Return a statistic that is a column already; None for another one."""
        kept = {"SampleCount": "counts", "Sum": "sums", "Minimum": "leasts", "Maximum": "mosts"}.get(name)
        return None if kept is None else getattr(self, kept)

    def averages(self, first: int = 0) -> "array[float]":
        """Return the averages from a row on."""
        return array("d", map(truediv, self.sums[first:], self.counts[first:]))


class Part(NamedTuple):
    """The rows of some columns that a read takes in: from `first` up to `last`, exclusive, and never none."""

    columns: Columns
    first: int
    last: int

    @property
    def times(self) -> Sequence[int]:
        """When its cells begin."""
        return self.columns.times[self.first : self.last]

    def of(self, name: str) -> Column:
        """Return a statistic of its cells."""
        return self.columns.column(name)[self.first : self.last]
