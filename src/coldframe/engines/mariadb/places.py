"""Where the parts of an instance lie below its folder, and the small file of what must be known before it runs."""

from pathlib import Path

import msgspec

from coldframe.core import durable
from coldframe.core.process import Account
from coldframe.core.struct_types import whole
from coldframe.engines.accounts import let_through, private_folder
from coldframe.engines.database import InstanceSpec


class Kept(msgspec.Struct):
    """What outlives every process of an instance.

    `port` is its port for replicas; `read_only` holds from its first moment; `lax` lets a copy that follows apply
    without waiting for the disk; `position` is the one of its source at the moment of the copy, until it has begun to follow; `settings` are those
    that the running process knows. `acknowledging` is the process that began to acknowledge what it receives.
    """

    port: int = 0
    read_only: bool = False
    lax: bool = False
    position: str | None = None
    acknowledging: str = ""
    settings: dict[str, str] = {}


class Place:
    """The folders and files of one instance."""

    def __init__(self, spec: InstanceSpec) -> None:
        self.folder = spec.folder
        self.data = spec.folder / "data"
        self.incoming = spec.folder / "incoming"
        self.run = spec.folder / "run"
        self.socket = self.run / "db.sock"
        self.logs = spec.folder / "logs"
        self.error_log = self.logs / "error" / "mysql-error.log"
        self.slow_log = self.logs / "slowquery" / "mysql-slowquery.log"
        self.general_log = self.logs / "general" / "mysql-general.log"
        self.binlogs = spec.folder / "binlogs"
        self.binlog_index = self.binlogs / "binlog.index"
        self.files = spec.folder / "files"
        self.scratch = spec.scratch / spec.name if spec.scratch else spec.folder / "tmp"
        self.configuration = spec.folder / "my.cnf"
        self.link = spec.folder / "link.pem"
        self.first_statements = spec.folder / "first.sql"
        self.record = spec.folder / "process.json"
        self._kept = spec.folder / "kept.json"

    def lay_out(self, account: Account) -> None:
        """Make the folders; the account may enter the outermost one and owns those inside that it writes."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        let_through(account, self.folder)
        # The process has its error log open and needs no right in the folder: we write there, as root perhaps.
        self.error_log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.chmod(0o711)
        for path in (
            self.run,
            self.slow_log.parent,
            self.general_log.parent,
            self.binlogs,
            self.files,
            self.scratch,
        ):
            private_folder(account, path)
        let_through(account, self.scratch.parent)

    def list_logs(self, account: Account) -> None:
        """Let the lists of logs name those of this folder: they have whole paths, and the folder may be a copy, or have moved."""
        for index in self.binlogs.glob("*.index"):
            listed = index.read_text(encoding="utf-8").split("\n")[:-1]
            here = [str(self.binlogs / Path(name).name) for name in listed]
            if here != listed:
                durable.write(index, "".join(f"{name}\n" for name in here).encode(), owner=account)

    def kept(self) -> Kept:
        """Read what is kept; defaults when nothing is yet."""
        try:
            return msgspec.json.decode(self._kept.read_bytes(), type=whole(Kept))
        except FileNotFoundError:
            return Kept()

    def keep(self, kept: Kept) -> None:
        """Write what must be kept, whole and durable."""
        durable.write(self._kept, msgspec.json.encode(kept))
