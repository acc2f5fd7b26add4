"""What a database engine does here, whichever it is: plain specs in, plain facts out; it knows nothing of AWS.

`engines/mariadb` and `engines/postgresql` are of this family and pass one contract (tests/engines/databases). Every
method may be called twice: creating what exists, starting what runs and stopping what is stopped change nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from coldframe.engines.contents import Contents
from coldframe.engines.log_reading import Source


class DatabaseError(Exception):
    """A database engine could not do what it was asked; `hint` tells the operator what to do."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


class Silent(DatabaseError):
    """A database that runs gave no answer at all in the time that it had, not even that it refuses."""


class Diverged(DatabaseError):
    """A copy cannot follow another source than it did: it has what that has not, or nobody knows what it has not got yet."""


class VersionMissing(DatabaseError):
    """No engine of this version is on the machine; the hint has the command that installs it."""


class UpgradeRefused(DatabaseError):
    """An instance cannot be brought to another version as it is; `report` is all that the check said, for its users."""

    def __init__(self, text: str, report: str, hint: str = "") -> None:
        super().__init__(text, hint)
        self.report = report


class Version(msgspec.Struct, frozen=True):
    """A version that is installed: its full number, the major it belongs to, and where its programs lie."""

    number: str
    major: str
    programs: Path


class InstanceSpec(msgspec.Struct, frozen=True):
    """What one instance is; everything that it writes lies below `folder`, but for `scratch`.

    `serial` is unique among the instances of an installation and never given out again (server id, GTID domain);
    `memory` is in bytes; `settings` are lines of the engine's own configuration, checked by the caller. `scratch` is
    fast local storage for temporary tables. `untorn_writes` says that the storage writes a page whole or not at all,
    so that pages need not be written twice. `read_only` holds from the first moment after every start.

    A `member` is one of a group of which another may take over. What a writer acknowledges is durable at one of the members
    whose serials are in `acknowledged_by`, where there are any; such a member `acknowledges`.
    """

    name: str
    version: str
    folder: Path
    serial: int
    memory: int = 128 * 1024 * 1024
    settings: Mapping[str, str] = {}
    scratch: Path | None = None
    scratch_quota: int = 0
    untorn_writes: bool = False
    read_only: bool = False
    member: bool = False
    acknowledged_by: Sequence[int] = ()
    acknowledges: bool = False


class Login(msgspec.Struct, frozen=True):
    """A user of the database and the password in clear, which is used and never kept."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Show who, never the password."""
        return f"Login({self.user})"


class Running(msgspec.Struct, frozen=True):
    """A running instance: its process, and the socket that the endpoint proxy alone may reach."""

    pid: int
    socket: Path


class Status(msgspec.Struct, frozen=True):
    """How an instance is: `crashed` means that its process ended without having been asked to."""

    state: Literal["absent", "stopped", "running", "crashed"]
    running: Running | None = None
    read_only: bool = False
    sessions: int = 0


class Following(msgspec.Struct, frozen=True):
    """How a copy follows its source; `behind` counts transactions, None while it cannot be known.

    `failures` counts how often applying has failed since the copy was started, where that is tried again by itself.
    """

    running: bool
    behind: int | None
    position: str = ""
    error: str = ""
    failures: int = 0


class LogFile(msgspec.Struct, frozen=True):
    """A log that users may read: its name, its size in bytes, and when it was last written, in seconds since 1970."""

    name: str
    size: int
    written: float


class Obstacle(msgspec.Struct, frozen=True):
    """What a logical copy would not carry, or would break: its kind, the database and the object it is in, and what to do.

    Kinds: no_identity, large_objects, unlogged, replica_trigger, foreign_subscription, prepared_transaction.
    """

    kind: str
    database: str
    name: str
    text: str


class Activity(msgspec.Struct, frozen=True):
    """What a user has under way: a transaction that has written, or a statement that changes the schema; `seconds` since it
    began, `text` says whose it is.
    """

    kind: Literal["write", "ddl"]
    seconds: float
    text: str


CopyKind = Literal["physical", "logical"]


class Copies(Protocol):
    """Copies that follow their source: read replicas, and the green side of a Blue/Green deployment."""

    def copy(self, source: InstanceSpec, target: InstanceSpec, kind: CopyKind) -> None:
        """Make the stopped `target` a consistent copy of the running `source`, ready to follow it; another version
        (for a logical copy of PostgreSQL, or a newer MariaDB) is brought up to its own version.
        """

    def follow(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Let the running `target` apply what the source commits from the moment of the copy on; it is read-only to users."""

    def following(self, source: InstanceSpec, target: InstanceSpec) -> Following:
        """Return how far the target is."""

    def position(self, spec: InstanceSpec) -> str:
        """Return the position of the last transaction that this instance committed."""

    def reached(self, target: InstanceSpec, position: str) -> bool:
        """Tell whether the target has applied everything up to a position of its source."""

    def arm(self, target: InstanceSpec) -> None:
        """Make what the target has durable while nobody waits yet, so that little is left to do for `finish`."""

    def finish(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Bring over what replication does not carry (sequences), and let the target acknowledge nothing any more that
        is not durable; the source is read-only and the target has reached it.
        """

    def promote(self, target: InstanceSpec) -> None:
        """Stop following for good; whether it is read-only does not change."""

    def coordinates(self, spec: InstanceSpec) -> Sequence[str]:
        """Return file and position of the binary log, for who follows from outside; nothing where there is none."""

    def obstacles(self, source: InstanceSpec) -> Sequence[Obstacle]:
        """Return what a logical copy of the running `source` would not carry, or would break; nothing for most."""

    def unsupported(self, source: InstanceSpec, target: InstanceSpec) -> Sequence[str]:
        """Return what was changed in the source since a logical copy that the copy does not get: schema, large objects."""

    def tidy(self, source: InstanceSpec) -> None:
        """Remove what logical copies have left in the running `source` that cannot follow it, since they followed another
        member of its group before it took over.
        """


class Activities(Protocol):
    """Whether a running instance does its work, and what goes on there beside what this server does."""

    def probe(self, spec: InstanceSpec, *, answer: float, write: float) -> None:
        """Come in anew and, where it takes writes, have one made durable; raises Silent.

        Whoever comes in has an answer within `answer` seconds, and what is written is durable within `write` more.
        A refusal is an answer (too many connections, a start or an end under way, a full disk, locked tables), and so
        is that nobody listens.
        """

    def under_way(self, spec: InstanceSpec) -> Sequence[Activity]:
        """Return what users have under way, the longest first."""

    def prepared(self, spec: InstanceSpec) -> Sequence[str]:
        """Return the transactions that were prepared and wait for their second phase."""

    def outside(self, spec: InstanceSpec) -> Sequence[str]:
        """Return in words what an instance that follows nobody here replicates from, or to, outside of coldframe."""

    def scheduled(self, spec: InstanceSpec) -> Sequence[str]:
        """Return the jobs that it would run by itself, beside what is replicated to it."""


class Groups(Protocol):
    """A writer and its followers, of which one takes over when the writer is gone; positions are those of `Copies`.

    `keeps` says that a follower whose process died has, once it is started again, everything that it received.
    """

    keeps: bool

    def synchronize(self, writer: InstanceSpec) -> str:
        """Have a running writer acknowledge as its spec says from now on, and tell its position: everything that it
        acknowledged otherwise lies before it.
        """

    def acknowledge(self, source: InstanceSpec, follower: InstanceSpec) -> None:
        """Have a running follower acknowledge what it gets, or not, as its spec says."""

    def confirm(self, source: InstanceSpec, follower: InstanceSpec) -> None:
        """See to it that a running source does not wait for what a follower that acknowledges has received.

        The word of that is lost when their connection ends, or came before the follower's word counted.
        """

    def received(self, follower: InstanceSpec) -> str:
        """Return up to where a running follower has everything of its source, applied or not; raises DatabaseError."""

    def orphaned(self, follower: InstanceSpec) -> str:
        """Wait until nothing comes any more from a source that is dead, and return what was received; raises DatabaseError."""

    def covers(self, best: InstanceSpec, silent: InstanceSpec) -> bool:
        """Tell whether an orphaned follower has all that another one of its source received, which may answer nobody.

        Raises DatabaseError when nobody can say.
        """

    def before(self, one: str, other: str) -> bool:
        """Tell whether a position lies before another one."""

    def level(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Let a follower get from another follower of the same writer, which is dead, what it lacks; raises DatabaseError.

        Both were `orphaned`, and the target follows the source from now on.
        """

    def let_go(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Let a read-only source end so that it can follow the target, which has everything of it."""

    def inherit(self, source: InstanceSpec, target: InstanceSpec) -> None:
        """Give a follower that takes the place of its dead source what logical copies of that go on with; raises DatabaseError.

        It runs afterwards. To them it is a new source (`Copies.follow`).
        """

    def rejoin(self, source: InstanceSpec, target: InstanceSpec) -> bool:
        """Let a member follow another writer, and start it; one that has what the writer has not is copied anew.

        Returns whether it was copied.
        """


class Backups(Protocol):
    """Consistent copies in a folder, and the changes after them."""

    def back_up(self, spec: InstanceSpec, folder: Path) -> str:
        """Write a consistent copy of a running or stopped instance into an empty folder; return its position."""

    def restore(
        self, folder: Path, target: InstanceSpec, *, logs: Path | None = None, until: float | None = None
    ) -> None:
        """Lay in the target from a back-up; with `logs`, replay archived changes up to `until` (seconds since 1970)."""

    def archive(self, spec: InstanceSpec, folder: Path) -> float:
        """Copy the changes that are not archived yet into `folder`; return up to which moment one can now restore."""


class WholeCopies(Protocol):
    """Copies of all that there is of an instance, from which it goes on as if its machine had failed; for backups of everything.

    Order: `retain` of every source, around `take` of those that follow before `take` of whom they follow; then `finish` of
    each. So a follower never has what its source has not, and the source still has what the follower needs. Nothing but
    clients changes an instance between the first and the last `take`.
    """

    def retain(self, spec: InstanceSpec, folder: Path) -> AbstractContextManager[None]:
        """Note in `folder` how far a running instance is with those that follow it, and let it keep what they need from there."""

    def take(self, spec: InstanceSpec, folder: Path) -> None:
        """Copy an instance, running or stopped, to a folder in which `retain` alone has written; raises DatabaseError."""

    def finish(self, spec: InstanceSpec, folder: Path) -> None:
        """Make the copy consistent, where that was left to do."""

    def check(self, name: str, folder: Path) -> None:
        """Look whether a finished copy is sound, by the engine's own checks as far as they are cheap; raises DatabaseError."""

    def adopt(self, spec: InstanceSpec) -> None:
        """Give the files of a copy, now in the place of the instance, to the user that instances run as here."""


class Upgrades(Protocol):
    """Another version in place. What the newer one runs on is made beside the data, which stay as they are until `settle`.

    `target` is the instance in its newer version. Order: `check`, `prepare`, `swap`, start; then `settle`, or `back`.
    """

    def possible(self, old: Version, new: Version) -> bool:
        """Tell whether this machine has what brings an instance from one installed version to another."""

    def check(self, spec: InstanceSpec, target: InstanceSpec) -> str:
        """Look, while the instance runs, for what is in the way; return what was said. Raises UpgradeRefused."""

    def prepare(self, spec: InstanceSpec, target: InstanceSpec) -> None:
        """Stop the instance and make what the newer version will run on, beside it; raises DatabaseError."""

    def swap(self, spec: InstanceSpec, target: InstanceSpec) -> None:
        """Put what was prepared in place; both are stopped."""

    def back(self, spec: InstanceSpec) -> None:
        """Put the data as they were before `swap` in place again; the instance is stopped."""

    def settle(self, target: InstanceSpec) -> None:
        """Throw away the data of the older version."""

    def complete(self, target: InstanceSpec) -> None:
        """Do what is left to do for the running instance, such as gathering statistics anew."""


class LogUpkeep(Protocol):
    """The files that logs consist of: one that is written, and those that were. One of them is ours: iam-db-auth-error."""

    def sources(self, spec: InstanceSpec, kind: str) -> Sequence[Source]:
        """Return the files of a log (error, general, slowquery; postgresql, upgrade; iam-db-auth-error), for a LogReader; none
        for another kind.
        """

    def note(self, spec: InstanceSpec, at: float, text: str) -> None:
        """Add a line to iam-db-auth-error, with a time in seconds since 1970."""

    def rotate(self, spec: InstanceSpec, stamp: str) -> None:
        """Begin new files where the engine does not by itself; those before are called by their names with the stamp."""


class Logs(Protocol):
    """The logs of an instance that its users may read."""

    def log_files(self, spec: InstanceSpec) -> Sequence[LogFile]:
        """Return the logs of an instance."""

    def add_log(self, spec: InstanceSpec, name: str, text: str) -> None:
        """Add a log of our own that users may read; `name` is `error/` and a name that begins as one of ours."""

    def read_log(self, spec: InstanceSpec, name: str, offset: int, length: int) -> bytes:
        """Return a piece of a log; raises DatabaseError when there is none of that name."""

    @property
    def log_upkeep(self) -> LogUpkeep:
        """What tells the files of logs, and begins new ones."""


class Abilities(Protocol):
    """What an engine does beyond running instances."""

    activities: Activities

    @property
    def contents(self) -> Contents:
        """What reads everything out of a running instance."""

    @property
    def copies(self) -> Copies:
        """What makes copies that follow."""

    @property
    def groups(self) -> Groups:
        """What keeps groups of a writer and its followers."""

    @property
    def backups(self) -> Backups:
        """What makes back-ups."""

    @property
    def upgrades(self) -> Upgrades:
        """What brings an instance to another version."""

    @property
    def whole_copies(self) -> WholeCopies:
        """What copies everything of an instance."""


class DatabaseEngine(Abilities, Logs, Protocol):
    """Runs instances as processes of an unprivileged user that outlive this process; `activities` looks at what goes on there."""

    name: str

    def versions(self) -> Sequence[Version]:
        """Return the versions that are installed, oldest first."""

    def create(self, spec: InstanceSpec, master: Login, database: str | None) -> None:
        """Lay in a data directory with the master user, who has every right but to switch read-only off."""

    def start(self, spec: InstanceSpec) -> Running:
        """Start it and return when it accepts connections; raises DatabaseError with the last lines of its log."""

    def reattach(self, spec: InstanceSpec) -> Running | None:
        """Return the process that an earlier server started, if it still runs and is the same."""

    def stop(self, spec: InstanceSpec, *, at_once: bool = False) -> None:
        """Stop it and return when the process is gone; `at_once` does not wait for anything to be written.

        Either way none of its processes runs again, whatever it did: one that waits for a disk that does not answer may
        still be there, killed.
        """

    def status(self, spec: InstanceSpec) -> Status:
        """Return how it is; never waits for more than a second."""

    def destroy(self, spec: InstanceSpec) -> None:
        """Remove what is left of a stopped instance."""

    def set_password(self, spec: InstanceSpec, login: Login) -> None:
        """Give a user another password."""

    def apply(self, spec: InstanceSpec) -> Sequence[str]:
        """Write the spec's settings and change what can be changed while running; return the names that wait for a restart."""

    def set_read_only(self, spec: InstanceSpec, *, on: bool) -> None:
        """Refuse (or allow) writes from everybody but replication: at once, and after any restart or crash."""

    def figures(self, spec: InstanceSpec) -> Mapping[str, float]:
        """Return counters and gauges under their CloudWatch names (DatabaseConnections, CPUUtilization, FreeableMemory ...)."""
