"""What can be wrong with a file that should hold a private key."""


class KeyFileError(Exception):
    """A private key could not be taken from a file; the text says what is wrong and what to do."""


class NotAPrivateKey(KeyFileError):
    """The file holds something else, or a format that is not read here."""


class PassphraseNeeded(KeyFileError):
    """The key is encrypted and no passphrase was given."""


class WrongPassphrase(KeyFileError):
    """The passphrase does not open the key."""


class OnlyRsa(KeyFileError):
    """The kernel cannot use a private key of this kind or size."""


class LoadingFailed(KeyFileError):
    """The process that loads keys ended without an answer."""


BY_NAME: dict[str, type[KeyFileError]] = {
    kind.__name__: kind
    for kind in (NotAPrivateKey, PassphraseNeeded, WrongPassphrase, OnlyRsa, LoadingFailed)
}
