"""Which commands may follow which, where the documentation limits it."""

import itertools
from collections.abc import Sequence

from coldframe.services.logs.insights import tree
from coldframe.services.logs.insights.errors import QueryError

_MOST_STATS = 2


def ordered(commands: Sequence[tree.Command]) -> None:
    """Check the order of a pipeline's commands; raises QueryError at the one that may not be where it is.

    From "Use multiple stats commands in a single query" and "dedup" in the CloudWatch Logs user guide.
    """
    stats = [at for at, command in enumerate(commands) if isinstance(command, tree.Stats)]
    if len(stats) > _MOST_STATS:
        raise QueryError(
            f"a query has at most {_MOST_STATS} stats commands", commands[stats[_MOST_STATS]].span
        )
    if len(stats) == _MOST_STATS:
        for command in commands[: stats[-1]]:
            if isinstance(command, tree.Sort | tree.Limit):
                name = "sort" if isinstance(command, tree.Sort) else "limit"
                raise QueryError(
                    f"in a query with two stats commands, {name} must come after the second", command.span
                )
    for before, command in itertools.pairwise(commands):
        if isinstance(before, tree.Dedup) and not isinstance(command, tree.Limit):
            raise QueryError("only limit may follow dedup", command.span)
