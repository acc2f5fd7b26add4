"""Log transformers: a series of processors that makes a JSON event of a log line."""
