"""Work of Firehose that outlives a call: dropping the buffers of deleted streams, and writing after a restart."""

from collections.abc import Iterator
from functools import partial

from coldframe.core.installation import Installation
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.jobs.schedule import Periodic
from coldframe.services.firehose.buffers import Buffers
from coldframe.services.firehose.writer import Writer

_EVERY = 60.0


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""
    yield Periodic("firehose.resume-writing", partial(resume_writing, installation), every=_EVERY)


@job("firehose.drop-records")
def drop_records(run: Run, stream_id: str) -> None:
    """Drop the buffer of a deleted stream; its id is never used again, so it does not matter when."""
    run.commit_point()
    run.step("drop the records", run.part(Buffers).drop, stream_id)


def resume_writing(installation: Installation) -> None:
    """Write what is in the buffers, if there are any."""
    if (installation.settings.data_dir / "streams" / "records.sqlite3").exists():
        installation.parts.get(Writer).resume()
