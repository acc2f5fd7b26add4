"""What the engines write into their logs, brought to CloudWatch Logs by its API: nothing lost, nothing twice.

`records.py` has how far each log was brought, `targets.py` which logs are wanted and where to, `sending.py` brings one on by
a batch, `exporter.py` is the thread that does so for all of them; `keeping.py` removes files that are old, and were brought.
"""
