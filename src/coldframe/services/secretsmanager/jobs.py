"""Work of Secrets Manager that is due at its time: destroying secrets, rotating them, writing down when they were read."""

import logging
from collections.abc import Iterator
from functools import partial

from coldframe.core import ids
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.offers import ManagedPasswords
from coldframe.jobs.schedule import Periodic
from coldframe.services.secretsmanager import schedules
from coldframe.services.secretsmanager.accesses import Accesses
from coldframe.services.secretsmanager.destroying import destroy
from coldframe.services.secretsmanager.lookup import arn_of_row
from coldframe.services.secretsmanager.records import NEVER, Secret

LOG = logging.getLogger("coldframe.secretsmanager")


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""
    yield Periodic("secretsmanager.destroy", partial(destroy_due, installation), every=60.0)
    yield Periodic("secretsmanager.rotate", partial(rotate_due, installation), every=60.0)
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


def rotate_due(installation: Installation) -> None:
    """Begin the rotation of the secrets whose window is open; one that cannot be rotated now is looked at again."""
    now = installation.clock.milliseconds()
    with installation.store.read() as transaction:
        due = transaction.records("", "").everywhere(Secret, below=("rotates", now + 1))
    for account, region, row in due:
        with installation.store.write() as transaction:
            records = transaction.records(account, region)
            secret = records.find(Secret, row.name)
            if secret is None or secret.rotates > now or secret.due != NEVER or secret.primary:
                continue
            arn = arn_of_row(secret, account, region)
            try:
                installation.parts.get(ManagedPasswords).rotate(records, arn, ids.uuid())
            except ServiceFault as fault:
                LOG.info("%s is not rotated now: %s", secret.name, fault.message)
                continue
            records.change(secret, **schedules.again(now))
