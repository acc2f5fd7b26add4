"""One client's session: commands go to the server, replies come back, and between them the session can change servers."""

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint import commands
from coldframe.engines.mariadb.endpoint.channel import Channel
from coldframe.engines.mariadb.endpoint.reply import Phase, Reply
from coldframe.engines.mariadb.endpoint.state import State
from coldframe.engines.mariadb.endpoint.statements import PINNED, Leaves

if TYPE_CHECKING:
    from coldframe.engines.mariadb.endpoint.gate import Gate

_INBOX = 1 << 20
# A packet of this length is followed by another of the same command.
_FULL = 0xFFFFFF


class Mode:
    """Whose turn it is."""

    IDLE: Final = 0
    BUSY: Final = 1
    SENDING: Final = 2
    UPLOAD: Final = 3
    SIGN_IN: Final = 4
    STREAM: Final = 5
    MOVING: Final = 6
    ENDED: Final = 7


_ONWARD = (Mode.SENDING, Mode.UPLOAD)


class Spare(NamedTuple):
    """A connection that was made ahead: to which database, as whom, with what database chosen."""

    target: Path
    channel: Channel
    greeting: wire.Greeting
    user: bytes
    database: bytes
    status: int


class Session:
    """A session that has signed in."""

    __slots__ = (
        "answer",
        "client",
        "client_salt",
        "command",
        "encrypted",
        "first_thread",
        "gate",
        "half",
        "header",
        "held",
        "inbox",
        "mode",
        "more",
        "pending",
        "proof",
        "reply",
        "sending",
        "server",
        "server_salt",
        "spare",
        "state",
        "statement",
        "target",
        "thread",
    )

    def __init__(
        self,
        gate: "Gate",
        client: Channel,
        target: Path,
        server: Channel,
        answer: wire.Answer,
        greeting: wire.Greeting,
    ) -> None:
        self.gate, self.client, self.server, self.answer = gate, client, server, answer
        # The database that it is at, or moves to.
        self.target = target
        self.client_salt = self.server_salt = greeting.salt
        self.thread = self.first_thread = greeting.thread
        self.header = b""
        # Whether the way to the database has TLS, too, since the account requires it.
        self.encrypted = False
        # The first digest of the password, with which the session signs in elsewhere; None while it is not known.
        self.half: bytes | None = None
        self.proof = answer.proof
        self.state = State(database=answer.database)
        self.reply = Reply(
            answer.capabilities | wire.SESSION_TRACK, strip=not answer.capabilities & wire.SESSION_TRACK
        )
        self.mode: int = Mode.IDLE
        self.inbox = b""
        self.command = 0
        self.pending = b""
        self.sending = 0
        # Whether the packet that is sent is followed by another of the same command.
        self.more = False
        self.statement = 0
        # A connection to where the session will probably move, signed in already.
        self.spare: Spare | None = None
        self.held = False

    def begin(self) -> None:
        """Go on from sign-in."""
        self.client.read_with(self.on_client)
        self.server.read_with(self.on_server)
        self.go_on()

    @property
    def at_boundary(self) -> bool:
        """Whether nothing is under way that another server would have to know."""
        return (
            self.mode == Mode.IDLE
            and not self.reply.status & wire.IN_TRANSACTION
            and not self.state.cursors
            and not self.state.leaves & Leaves.ONE_SHOT
            and not self.pending
        )

    @property
    def movable(self) -> bool:
        """Whether all that the session has set up can be set up elsewhere."""
        return self.half is not None and not self.state.leaves & PINNED

    def on_client(self) -> None:
        """Read from the client and pass on."""
        data = self.client.receive()
        if data is None:
            return
        if not data:
            if self.mode == Mode.BUSY and not self.client.broken:
                # It says no more, and gets the answer that is under way; after that it is read again, and ends.
                self.client.read_with(None)
            else:
                self.end()
            return
        self.gate.bytes_in += len(data)
        if self.mode == Mode.IDLE and not self.inbox:
            self._command(data)
            if self.inbox and self.mode == Mode.IDLE:
                self.go_on()
        elif self.mode in _ONWARD:
            # What was left may be the beginning of a packet's head.
            left, self.inbox = self.inbox, b""
            self._onward(left + data)
        elif self.mode == Mode.STREAM:
            self._to_server(data)
        else:
            self.inbox += data
            if self.mode in {Mode.IDLE, Mode.SIGN_IN}:
                self.go_on()
            if len(self.inbox) > _INBOX:
                self.client.read_with(None)

    def on_server(self) -> None:
        """Read from the server, follow the reply and pass it on."""
        data = self.server.receive()
        if data is None:
            return
        if not data:
            self._server_gone()
            return
        if self.client.broken:
            self.end()
            return
        self.gate.bytes_out += len(data)
        reply = self.reply
        if not (reply.simple_ok(data) or reply.whole_result(data)):
            data = reply.feed(data)
        if data and not self.client.send(data):
            # The client is slower than the server: no more until it has taken this.
            self.server.read_with(None)
            self.client.when_drained(lambda: self.server.read_with(self.on_server))
        if reply.done:
            self._replied()
        elif reply.upload:
            reply.upload = False
            if reply.phase == Phase.SIGN_IN:
                self.mode = Mode.SIGN_IN
                commands.switched(self, reply.switched)
            else:
                self.mode, self.sending = Mode.UPLOAD, 0
            self._unpause()
            self.go_on()

    def go_on(self) -> None:
        """Take up what the client has sent meanwhile, unless the session is held."""
        if self.gate.holding and self.at_boundary:
            self.gate.settle(self)
            return
        while self.inbox and self.mode in {Mode.IDLE, Mode.UPLOAD, Mode.SIGN_IN}:
            data, self.inbox = self.inbox, b""
            had = len(data)
            if self.mode == Mode.UPLOAD:
                self._onward(data)
            elif self.mode == Mode.SIGN_IN:
                if not self._proof(data):
                    return
            else:
                self._command(data)
                if len(self.inbox) == had:
                    # Not all of it is there, or the session is held.
                    return

    def end(self) -> None:
        """End the session on both sides."""
        if self.mode == Mode.ENDED:
            return
        self.mode = Mode.ENDED
        self.client.close()
        self.server.close()
        self.drop_spare()
        self.gate.ended(self)

    def drop_spare(self) -> None:
        """Do without the connection that was made ahead."""
        spare, self.spare = self.spare, None
        if spare is not None:
            spare.channel.close()

    def fail(self, code: int, state: str, message: str) -> None:
        """Tell a client that waits why, and end the session."""
        if self.mode in {Mode.BUSY, Mode.MOVING} or self.inbox:
            self.client.send_packet(wire.error(code, state, message), 1)
        self.end()

    def _command(self, data: bytes) -> None:
        """Pass on one command; `data` begins with it."""
        if self.gate.holding and self.at_boundary:
            self.inbox = data
            self.gate.settle(self)
            return
        size = len(data)
        if size < 5:
            self.inbox = data
            return
        length = data[0] | data[1] << 8 | data[2] << 16
        end = length + 4
        if end > size and not data[2]:
            self.inbox = data
            return
        if end < size:
            self.inbox = data[end:]
            data = data[:end]
        self.command = data[4]
        if commands.about_tokens(self, data) and len(data) == length + 4:
            # The server has to be asked first; what comes meanwhile waits.
            self.mode = Mode.MOVING
            commands.ask_about_tokens(self, data)
            return
        self._begin(data, length, size, end)

    def resume(self, data: bytes) -> None:
        """Pass on a command that waited, in other words perhaps."""
        if self.mode == Mode.MOVING:
            self.mode = Mode.IDLE
            self._begin(data, len(data) - 4, len(data), len(data))
            self._unpause()

    def _begin(self, data: bytes, length: int, size: int, end: int) -> None:
        """Pass on a command, of which `size` bytes of `end` are there."""
        data, phase = commands.begin(self, data)
        if self.mode == Mode.ENDED:
            return
        self.more = length == _FULL
        if self.command == commands.PREPARE and (end > size or self.more):
            # Its text is not kept, which another server would have to be told.
            self.state.leaves |= Leaves.PREPARED_BY_NAME
        if phase is None:
            # A command without a reply.
            self._to_server(data)
            if end > size or self.more:
                self.mode, self.sending = Mode.SENDING, end - size
            return
        if phase == Phase.STREAM:
            self.mode = Mode.STREAM
        self.reply.expect(phase)
        if phase == Phase.PREPARED and self.state.mapped:
            self.reply.renumber = max(self.state.statements, default=0) + 1
        self._to_server(data)
        if end > size or self.more:
            self.mode, self.sending = Mode.SENDING, end - size
        elif phase != Phase.STREAM:
            self.mode = Mode.BUSY

    def _onward(self, data: bytes) -> None:
        """Pass on the rest of a long command, or a file; `sending` bytes of the present packet are to come."""
        position, size = 0, len(data)
        while position < size:
            if self.sending > 0:
                step = min(self.sending, size - position)
                self.sending -= step
                position += step
                if self.sending or self.mode == Mode.UPLOAD or not self._ends_here():
                    continue
                break
            if size - position < 4:
                break
            length = int.from_bytes(data[position : position + 3], "little")
            self.more = length == _FULL and self.mode == Mode.SENDING
            position += 4
            self.sending = length
            if not length:
                self._uploaded()
                break
        if position:
            self._to_server(data[:position])
        if position < size:
            self.inbox = data[position:]
            if self.mode == Mode.IDLE:
                # It was a command without a reply, after which nobody would look.
                self.go_on()

    def _ends_here(self) -> bool:
        if self.more:
            return False
        self._uploaded()
        return True

    def _uploaded(self) -> None:
        """All of a long command or a file is with the server; its reply comes, or has come already."""
        self.more = False
        if self.mode == Mode.UPLOAD:
            self.reply.expect(Phase.FIRST)
        self.mode = Mode.IDLE if self.reply.done else Mode.BUSY

    def _proof(self, data: bytes) -> bool:
        """Pass on the client's part of signing in anew; returns whether it was all there."""
        if len(data) < 4 or len(data) < 4 + int.from_bytes(data[:3], "little"):
            self.inbox = data
            return False
        end = 4 + int.from_bytes(data[:3], "little")
        self.inbox = data[end:]
        self._to_server(commands.proof(self, data[:end]))
        self.mode = Mode.BUSY
        return True

    def _to_server(self, data: bytes) -> None:
        if not self.server.send(data):
            self.client.read_with(None)
            self.server.when_drained(self._unpause)

    def _unpause(self) -> None:
        if self.mode != Mode.ENDED and not self.client.reading:
            self.client.read_with(self.on_client)

    def _replied(self) -> None:
        """A reply is complete."""
        reply = self.reply
        if self.mode == Mode.SENDING:
            return
        if reply.inserted:
            self.state.inserted = True
        if reply.changes:
            self.state.track(reply.changes)
            reply.changes = []
        if self.command != commands.QUERY:
            commands.replied(self)
        self.mode = Mode.IDLE
        if self.inbox or self.gate.holding or not self.client.reading:
            self._unpause()
            self.go_on()

    def _server_gone(self) -> None:
        if self.held and self.at_boundary:
            # It is at rest and known: it goes on at whatever server it is released to.
            self.server.close()
            return
        if self.gate.failing(self):
            self.fail(1927, "70100", "Connection was killed: it did not come to an end in time to be moved")
        else:
            self.end()
