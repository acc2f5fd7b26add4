"""The store of blobs: write, read, delete and sweep. It knows ids and bytes, never names that a client chose."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from coldframe.core.durable import make_folder
from coldframe.core.filling import Fill, Filling
from coldframe.engines.objectstore.digesting import Digest
from coldframe.engines.objectstore.disk import Disk
from coldframe.engines.objectstore.errors import BlobGone
from coldframe.engines.objectstore.reading import Ahead, Reading, touched
from coldframe.engines.objectstore.sealing import derived
from coldframe.engines.objectstore.writing import Blob, Writer

_SYNC_THREADS = 2


class ObjectStore:
    """Blobs in one directory of one process.

    A blob that is written is `pending` until its owner says that it is wanted (`keep`, once what names it is
    committed) or not (`discard`); a sweep never takes a pending one. A blob that is deleted while it is read goes when
    its last reader is done. `new_id` gives random names of hexadecimal digits.
    """

    def __init__(
        self,
        root: Path,
        key: bytes,
        new_id: Callable[[], str],
        *,
        disk: Disk | None = None,
        cores: int | None = None,
    ) -> None:
        """Use so many processor cores; without a number, all that the process may use."""
        self._root = root
        self._key = key
        self._new_id = new_id
        self._disk = disk or Disk()
        self._incoming = root / "incoming"
        self._lock = threading.Lock()
        self._ready = False
        self._pending: set[str] = set()
        # Of the pending ones, those that are whole; and those that were so at the last sweep already.
        self._written: set[str] = set()
        self._waiting_long: set[str] = set()
        self._readers: Counter[str] = Counter()
        self._doomed: set[str] = set()
        cores = cores or len(os.sched_getaffinity(0))
        self._digesting = ThreadPoolExecutor(max(1, cores // 2), thread_name_prefix="digest")
        self._syncing = ThreadPoolExecutor(_SYNC_THREADS, thread_name_prefix="sync")
        self._opening = ThreadPoolExecutor(max(1, cores // 2), thread_name_prefix="open")
        self._ahead = Ahead(self._opening, cores)
        self._in_use = root / "in-use"
        # A mark that the last process left: it did not end as it should, and may have left files that nothing names.
        self.left_open = self._in_use.exists()
        self._writer = Writer(
            self._incoming, self._disk, digesting=self._digesting, syncing=self._syncing, cores=cores
        )

    def close(self) -> None:
        """End the threads that digest, sync and open; without anything pending the next process need not sweep."""
        self._digesting.shutdown()
        self._syncing.shutdown()
        self._opening.shutdown()
        if self._ready and not self._pending:
            self._in_use.unlink(missing_ok=True)

    def write(
        self,
        body: Iterable[bytes] | Fill,
        digests: Sequence[Digest] = (),
        *,
        secret: bytes = b"",
        size: int | None = None,
    ) -> Blob:
        """Write a blob durably and return it, pending; each digest sees its bytes. It opens only with its secret.

        The body comes in chunks or fills buffers; room on the disk is set aside for its `size`, where that is known.
        Raises StorageFull, StorageFailed, ValueError for a body of another size, and whatever the body raises; nothing of the blob is
        left behind then.
        """
        self._prepare()
        blob_id = self._new_id()
        with self._lock:
            self._pending.add(blob_id)
        fill = body if callable(body) else Filling(body)
        try:
            written = self._writer.write(
                blob_id, self._path(blob_id), fill, digests, key=derived(self._key, secret), size=size
            )
        except BaseException:
            self.keep(blob_id)
            raise
        with self._lock:
            self._written.add(blob_id)
        return Blob(blob_id, written)

    def keep(self, *ids: str) -> None:
        """Say that what names these blobs is committed: from now on they are no longer pending."""
        with self._lock:
            self._pending.difference_update(ids)
            self._written.difference_update(ids)

    def discard(self, *ids: str) -> None:
        """Take back blobs that nothing names."""
        self.delete(*ids)
        self.keep(*ids)

    def read(self, blobs: Sequence[Blob], start: int, end: int, *, secret: bytes = b"") -> Reading:
        """Open the bytes from `start` up to `end` of the blobs one after another; raises BlobGone.

        The reading must be closed; it raises BlobDamaged when the disk does not give back what was written.
        """
        blobs, begun = touched(blobs, start, end)
        ids = [blob.id for blob in blobs]
        with self._lock:
            gone = [blob_id for blob_id in ids if blob_id in self._doomed or not self._path(blob_id).exists()]
            if gone:
                raise BlobGone(gone[0])
            self._readers.update(ids)
        return Reading(
            blobs,
            (start - begun, end - begun),
            key=derived(self._key, secret),
            path=self._path,
            buffers=self._writer.buffers,
            ahead=self._ahead,
            closed=lambda: self._let_go(ids),
        )

    def delete(self, *ids: str) -> None:
        """Delete blobs; those that are being read go when that ends. One that is gone already is no error.

        What a disk that takes no writes does not let go of goes with a sweep.
        """
        with self._lock:
            for blob_id in ids:
                if self._readers[blob_id]:
                    self._doomed.add(blob_id)
                else:
                    with suppress(OSError):
                        self._path(blob_id).unlink(missing_ok=True)

    def sweep(self, wanted: Callable[[], Collection[str]]) -> int:
        """Delete what a crash or a failed commit left: blobs that are neither pending, nor read, nor wanted.

        A blob that was whole at the last sweep and is pending still is one whose owner could not commit: sweeps must
        lie further apart than any commit takes. Returns how many were deleted.

        First the files are listed, then what is pending, then what is wanted: a blob among the files that is no longer
        pending was kept, and what names it was committed before `wanted` is asked.
        """
        self._prepare()
        with self._lock:
            abandoned = self._waiting_long & self._written
            self._waiting_long = self._written - abandoned
            self._pending -= abandoned
            self._written -= abandoned
        incoming = os.listdir(self._incoming)  # noqa: PTH208 - names only
        whole = [path.name for path in self._root.glob("[0-9a-f][0-9a-f]/*")]
        with self._lock:
            spared = self._pending | self._doomed
        unfinished = [name for name in incoming if name not in spared]
        for name in unfinished:
            (self._incoming / name).unlink(missing_ok=True)
        known = frozenset(wanted())
        orphans = [name for name in whole if name not in spared and name not in known]
        self.delete(*orphans)
        return len(orphans) + len(unfinished)

    def _let_go(self, ids: list[str]) -> None:
        with self._lock:
            for blob_id in ids:
                self._readers[blob_id] -= 1
                if self._readers[blob_id] == 0:
                    del self._readers[blob_id]
                    if blob_id in self._doomed:
                        self._doomed.discard(blob_id)
                        with suppress(OSError):
                            self._path(blob_id).unlink(missing_ok=True)

    def _path(self, blob_id: str) -> Path:
        return self._root / blob_id[:2] / blob_id

    def _prepare(self) -> None:
        """Make the folders when the store is first written to."""
        if self._ready:
            return
        with self._lock:
            make_folder(self._incoming)
            for number in range(256):
                (self._root / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)
            self._in_use.touch(mode=0o600)
            self._disk.sync_directory(self._root)
            self._ready = True
