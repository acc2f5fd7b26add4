"""The endpoint of a MariaDB: a proxy that follows each session closely enough to move it to another server between commands.

It runs as a process of its own (`python -m coldframe.engines.mariadb.endpoint`), which `endpoints.py` beside this folder
starts and tells what to do. `session.py` is the hot loop; `gate.py` holds and releases.
"""
