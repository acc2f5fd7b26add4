"""Private keys and secrets that live in the Linux kernel: the library behind `coldframe keys`.

    from coldframe import keys

    loaded = keys.load("~/.ssh/id_rsa", "myssh")  # in the session keyring; this process never has the private key
    signature = loaded.key.sign(b"message", "sha256")
    keys.named("@s").asymmetric("myssh").public_key()

`KernelRSAPrivateKey` makes such a key one of `cryptography`. `Kernel` is the service that all of it stands on; tests
pass a fake in its place.
"""

from coldframe.engines.keyring import Kernel, KeyringError, KeyService
from coldframe.keys.asymmetric import AsymmetricKey
from coldframe.keys.errors import (
    KeyFileError,
    LoadingFailed,
    NotAPrivateKey,
    OnlyRsa,
    PassphraseNeeded,
    WrongPassphrase,
)
from coldframe.keys.key import Key
from coldframe.keys.loading import ASK, Loaded, OpenFile, load
from coldframe.keys.padding import PaddingError
from coldframe.keys.policy import EVERYTHING, PADDED, Policy, Use, UseNotAllowed
from coldframe.keys.protection import Protection
from coldframe.keys.pseudo_key import NotAPseudoKey, PseudoKey
from coldframe.keys.public import PublicKeyUnknown
from coldframe.keys.rings import (
    Keyring,
    KeyringNameUnknown,
    found,
    named,
    persistent,
    session_is_default,
    start_session,
)
from coldframe.keys.signer import KernelRSAPrivateKey, KeyStaysInKernel

__all__ = [
    "ASK",
    "EVERYTHING",
    "PADDED",
    "AsymmetricKey",
    "Kernel",
    "KernelRSAPrivateKey",
    "Key",
    "KeyFileError",
    "KeyService",
    "KeyStaysInKernel",
    "Keyring",
    "KeyringError",
    "KeyringNameUnknown",
    "Loaded",
    "LoadingFailed",
    "NotAPrivateKey",
    "NotAPseudoKey",
    "OnlyRsa",
    "OpenFile",
    "PaddingError",
    "PassphraseNeeded",
    "Policy",
    "Protection",
    "PseudoKey",
    "PublicKeyUnknown",
    "Use",
    "UseNotAllowed",
    "WrongPassphrase",
    "found",
    "load",
    "named",
    "persistent",
    "session_is_default",
    "start_session",
]
