"""The Hyperscan prefilter: one block-mode database, kept on disk between starts."""

import contextlib
import hashlib
import os
import platform
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import hyperscan

from coldframe.engines.detector.prefilter import Hit


class HyperscanPrefilter:
    """Scans with one database; every thread has its own scratch space, as the library demands."""

    name = "hyperscan"

    def __init__(self, patterns: Sequence[str], cache: Path | None) -> None:
        self._database = _open(patterns, cache)
        self._local = threading.local()

    def scan(self, buffer: bytes) -> Sequence[Hit]:
        """Every occurrence of every pattern, see `Prefilter`."""
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        hits: list[Hit] = []
        append = hits.append

        def found(pattern: int, start: int, end: int, _flags: int, _context: object) -> None:
            append((pattern, start, end))

        self._database.scan(buffer, match_event_handler=found, scratch=scratch)
        return hits


def _open(patterns: Sequence[str], cache: Path | None) -> hyperscan.Database:
    if cache is None:
        return _compile(patterns)
    path = cache / f"hyperscan-{_key(patterns)}.db"
    try:
        database = hyperscan.loadb(path.read_bytes(), hyperscan.HS_MODE_BLOCK)
    except (OSError, hyperscan.error):
        # A file cut short or of another build is as good as none: it is written anew.
        database = _compile(patterns)
        # Where nothing can be written (a full disk) scanning goes on; only the next start is slower.
        with contextlib.suppress(OSError):
            _write(path, hyperscan.dumpb(database))
    return database


def _compile(patterns: Sequence[str]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.encode("ascii") for pattern in patterns],
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[hyperscan.HS_FLAG_SOM_LEFTMOST] * len(patterns),
    )
    return database


def _key(patterns: Sequence[str]) -> str:
    digest = hashlib.sha256()
    version = getattr(hyperscan, "__version__", "") or str(Path(hyperscan.__file__).stat().st_mtime_ns)
    for part in (version, platform.machine(), _processor(), *patterns):
        digest.update(part.encode("utf-8", "replace") + b"\0")
    return digest.hexdigest()[:32]


def _processor() -> str:
    """What decides which instructions a database was compiled for."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            return next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return platform.processor()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
