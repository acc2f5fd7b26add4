"""The parts of KMS: who keeps key material, where private keys are used, and what notes the uses of keys."""

from coldframe.core.installation import Installation
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.private_keys import InProcess, PrivateKeys
from coldframe.services.kms.usage import Usage


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed.

    The server may provide another place for private keys, such as the kernel.
    """
    parts = installation.parts
    parts.provide(PrivateKeys, InProcess)
    parts.provide(Custodian, lambda: Custodian(installation.seal, parts.get(PrivateKeys)))
    parts.provide(Usage, lambda: Usage(installation.store, installation.clock))
