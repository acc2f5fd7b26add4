"""The endpoints of PostgreSQL instances."""

from coldframe.engines.endpoint_process import EndpointProcesses


class PostgreSQLEndpoints(EndpointProcesses):
    """Runs endpoints that speak PostgreSQL's protocol."""

    def __init__(self) -> None:
        super().__init__("coldframe.engines.postgresql.endpoint")
