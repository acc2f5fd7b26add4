"""The endpoints of MariaDB: how their processes are started and told what to do."""

from coldframe.engines.endpoint_process import EndpointProcesses


class MariaDBEndpoints(EndpointProcesses):
    """The Endpoints of MariaDB (engines/endpoint.py)."""

    def __init__(self) -> None:
        super().__init__("coldframe.engines.mariadb.endpoint")
