"""The endpoint of a PostgreSQL: a proxy that follows each session closely enough to move it to another server between commands.

It runs as a process of its own (`python -m coldframe.engines.postgresql.endpoint`), which `endpoints.py` beside this
folder starts and tells what to do. `session.py` is the hot loop; `gate.py` holds and releases.
"""
