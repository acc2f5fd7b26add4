"""PostgreSQL: database instances on private sockets, copies that follow, back-ups; and the second database of the store.

An instance runs as an unprivileged user and listens on a unix socket in a closed folder, nowhere else. Its master user
has what the service gives (rds_superuser) and nothing of a superuser. Who may write is a mode of the whole instance
(`instances.py`), which no session can leave. Physical copies stream the log; logical ones, of any newer version, begin
with roles and schema and are filled by subscriptions.
"""
