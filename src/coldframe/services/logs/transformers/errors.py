"""How a transformer fails."""


class InvalidTransformer(Exception):
    """A configuration that is no transformer; the text says what is wrong with it."""


class Untransformed(Exception):
    """An event that a processor cannot take; it stays as it is."""
