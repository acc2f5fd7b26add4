"""Work of SNS that outlives a call: dropping what waits for deleted subscriptions, and delivering after a restart."""

from collections.abc import Iterator
from functools import partial

from coldframe.core.installation import Installation
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.jobs.schedule import Periodic
from coldframe.services.sns.delivery import Deliverer
from coldframe.services.sns.outbox import Outbox

_EVERY = 60.0


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""
    yield Periodic("sns.resume-deliveries", partial(resume_deliveries, installation), every=_EVERY)


@job("sns.drop-messages")
def drop_messages(run: Run, subscription_id: str) -> None:
    """Drop what waits for a deleted subscription; its id is never used again, so it does not matter when."""
    run.commit_point()
    run.step("drop the messages", run.part(Outbox).drop, subscription_id)


def resume_deliveries(installation: Installation) -> None:
    """Deliver what is in the outbox, if there is one."""
    if (installation.settings.data_dir / "topics" / "outbox.sqlite3").exists():
        installation.parts.get(Outbox).forget(installation.clock.milliseconds())
        installation.parts.get(Deliverer).resume()
