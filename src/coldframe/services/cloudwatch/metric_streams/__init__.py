"""Metric streams: which metrics a stream has, and what is sent of each. Knows no store and no Firehose."""
