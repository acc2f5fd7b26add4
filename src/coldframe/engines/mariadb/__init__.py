"""MariaDB as an engine: instances, copies that follow, back-ups, and the endpoint that holds clients while all that changes.

Instances run as an unprivileged user (engines/accounts.py) and are reached through a unix socket alone; the one TCP
port of each, on a loopback address of its own, is for its replicas. Statements of our own come through the socket as
the user of the system that runs us, so that no password of an administrator exists.
"""
