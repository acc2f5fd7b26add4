"""The engines of SNS: where messages wait, what signs them, what delivers them."""

from coldframe.core.installation import Installation
from coldframe.services.sns.delivery import Deliverer
from coldframe.services.sns.message_keys import MessageKeys
from coldframe.services.sns.outbox import Outbox
from coldframe.services.sns.records import EndedSubscription, Subscription
from coldframe.services.sns.signing import Signer


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts, folder = installation.parts, installation.settings.data_dir / "topics"
    parts.provide(Outbox, lambda: Outbox(folder / "outbox.sqlite3"))
    parts.provide(Signer, lambda: Signer(folder, installation.seal, installation.clock.now()))
    parts.provide(MessageKeys, lambda: MessageKeys(installation))
    parts.provide(Deliverer, lambda: Deliverer(installation))


def empty(installation: Installation) -> None:
    """Forget every message on its way (dev mode's reset)."""
    with installation.store.read() as transaction:
        everywhere = transaction.records("", "")
        names = [row.id for _, _, row in everywhere.everywhere(Subscription)]
        names += [row.id for _, _, row in everywhere.everywhere(EndedSubscription)]
    for name in names:
        installation.parts.get(Outbox).drop(name)
