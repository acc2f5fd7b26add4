"""The storage engine for log events: a write-ahead log with group commit, a memory table, immutable Parquet segments.

It takes masked events and gives them back in order; originals exist only as sealed fragments. See `store.LogStore`.
"""
