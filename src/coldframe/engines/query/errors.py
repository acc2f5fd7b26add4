"""How a query may end before its result."""


class QueryInterrupted(Exception):
    """The query was interrupted from another thread."""


class QueryBroken(Exception):
    """The engine could not run the query; the text says why in the engine's words."""


class TooLarge(QueryBroken):
    """The query needs more memory than it may use."""
