"""The RE2 prefilter: one alternation finds where patterns begin, an anchored set says which."""

from collections.abc import Sequence

import re2

from coldframe.engines.detector.prefilter import Hit

# No pattern reaches further than this from its first byte.
_REACH = 120
_MEMORY = 64 << 20


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
        self._any = re2.compile("|".join(f"(?:{pattern})" for pattern in patterns).encode("ascii"), options)
        self._each = [re2.compile(pattern.encode("ascii"), options) for pattern in patterns]
        self._set = re2.Set.MatchSet(options)
        for pattern in patterns:
            self._set.Add(pattern.encode("ascii"))
        self._set.Compile()

    def scan(self, buffer: bytes) -> Sequence[Hit]:
        """Every occurrence of every pattern, see `Prefilter`."""
        hits: list[Hit] = []
        search, which, each = self._any.search, self._set.Match, self._each
        match = search(buffer, 0)
        while match is not None:
            start = match.start()
            piece = buffer[start : start + _REACH]
            for pattern in which(piece) or ():
                hits.append((pattern, start, start + each[pattern].match(piece).end()))
            match = search(buffer, start + 1)
        return hits
