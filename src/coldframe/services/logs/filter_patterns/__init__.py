"""CloudWatch Logs' filter patterns: terms, JSON selectors and space-delimited fields, compiled to closures.

The language of FilterLogEvents, StartLiveTail, metric filters, subscription filters and TestMetricFilter, from AWS's
"Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail".
"""

from coldframe.services.logs.filter_patterns.errors import InvalidPattern
from coldframe.services.logs.filter_patterns.pattern import FilterPattern, Match, compile_pattern

__all__ = ["FilterPattern", "InvalidPattern", "Match", "compile_pattern"]
