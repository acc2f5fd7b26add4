"""The one part of Secrets Manager: what notes when values are read."""

from coldframe.core.installation import Installation
from coldframe.services.secretsmanager.accesses import Accesses


def provide(installation: Installation) -> None:
    """Say how this installation makes it."""
    installation.parts.provide(Accesses, lambda: Accesses(installation.store))
