"""The metric store: durable time series with roll-ups, limited retention and percentiles.

A sample is acknowledged once it is in a log that is synced, and readable from then on. Memory holds what came since the
last flush; a flush folds it into blocks of one second, one minute, five minutes and one hour in an SQLite file.
"""
