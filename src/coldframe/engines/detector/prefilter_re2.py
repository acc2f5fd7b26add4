"""The RE2 prefilter: one alternation finds where patterns begin, an anchored set says which."""

import re
from collections.abc import Sequence
from functools import lru_cache

import re2

from coldframe.engines.detector.prefilter import Hit

_MEMORY = 64 << 20
# The same few words make most of the hits of a log.
_REMEMBERED = 8192


class Re2Prefilter:
    """Jumps from one beginning of any pattern to the next; what begins there is asked of a set of all patterns."""

    name = "re2"

    def __init__(self, patterns: Sequence[str]) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = _MEMORY
        options.never_capture = True
        options.log_errors = False
        options.dot_nl = True
        options.longest_match = True
        self._patterns = [pattern.encode("ascii") for pattern in patterns]
        self._any = re2.compile(b"|".join(b"(?:%b)" % pattern for pattern in self._patterns), options)
        self._set = re2.Set.MatchSet(options)
        for pattern in self._patterns:
            self._set.Add(pattern)
        self._set.Compile()
        self._lengths = lru_cache(maxsize=_REMEMBERED)(self._patterns_in)

    def scan(self, buffer: bytes) -> Sequence[Hit]:
        """Every occurrence of every pattern, see `Prefilter`."""
        hits: list[Hit] = []
        search, lengths = self._any.search, self._lengths
        match = search(buffer, 0)
        while match is not None:
            start, end = match.span()
            for pattern, length in lengths(buffer[start:end]):
                hits.append((pattern, start, start + length))
            match = search(buffer, start + 1)
        return hits

    def _patterns_in(self, text: bytes) -> list[tuple[int, int]]:
        """The patterns that occur at the beginning of the longest occurrence of any, with their lengths.

        They are all in that text, because no other is longer.
        """
        return [(pattern, self._length(pattern, text)) for pattern in self._set.Match(text) or ()]

    def _length(self, pattern: int, text: bytes) -> int:
        match = re.compile(self._patterns[pattern], re.DOTALL).match(text)
        return match.end() if match is not None else 0
