"""Work of Secrets Manager that is due at its time: destroying secrets, writing down when they were read."""

from collections.abc import Iterator
from functools import partial

from coldframe.core.installation import Installation
from coldframe.jobs.schedule import Periodic
from coldframe.services.secretsmanager.accesses import Accesses
from coldframe.services.secretsmanager.destroying import destroy
from coldframe.services.secretsmanager.records import Secret


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""
    yield Periodic("secretsmanager.destroy", partial(destroy_due, installation), every=60.0)
    yield Periodic("secretsmanager.accesses", lambda: installation.parts.get(Accesses).flush(), every=60.0)


def destroy_due(installation: Installation) -> None:
    """Destroy the secrets whose recovery window is over."""
    now = installation.clock.milliseconds()
    with installation.store.read() as transaction:
        due = transaction.records("", "").everywhere(Secret, below=("due", now + 1))
    for account, region, row in due:
        with installation.store.write() as transaction:
            records = transaction.records(account, region)
            secret = records.find(Secret, row.name)
            if secret is not None and secret.due <= now:
                destroy(records, secret)
