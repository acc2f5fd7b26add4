"""Blocks that were read lately, so that who reads them again does not go to the disk."""

from collections import OrderedDict
from collections.abc import Iterable

from coldframe.engines.metricstore.block import Block

Key = tuple[int, int, int]
"""Series, level and start."""

_MOST_CELLS = 1_000_000
"""How many cells are kept: some 40 bytes each, and 8 for each statistic that was asked for."""
_LEAST = 16
"""What a block counts at least as, also one that there is not."""


class BlockCache:
    """Blocks by key, None for one that there is not; the longest unused go first. Its user locks."""

    def __init__(self, most_cells: int = _MOST_CELLS) -> None:
        self._blocks: OrderedDict[Key, Block | None] = OrderedDict()
        self._most = most_cells
        self._cells = 0

    def found(self, keys: Iterable[Key]) -> list[Block] | None:
        """Return those of the blocks that there are; None when one of them is not known."""
        blocks = []
        for key in keys:
            if key not in self._blocks:
                return None
            self._blocks.move_to_end(key)
            block = self._blocks[key]
            if block is not None:
                blocks.append(block)
        return blocks

    def keep(self, key: Key, block: Block | None) -> None:
        """Keep a block."""
        self.forget([key])
        self._blocks[key] = block
        self._cells += _size(block)
        while self._cells > self._most:
            self._cells -= _size(self._blocks.popitem(last=False)[1])

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget blocks that have changed."""
        for key in keys:
            if key in self._blocks:
                self._cells -= _size(self._blocks.pop(key))

    def clear(self) -> None:
        """Forget all."""
        self._blocks.clear()
        self._cells = 0


def _size(block: Block | None) -> int:
    return _LEAST if block is None else max(_LEAST, len(block.times))
