"""The commands of the protocol: what each is followed by, and what it does to the session's state."""

import asyncio
from typing import TYPE_CHECKING

from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint import server
from coldframe.engines.mariadb.endpoint.reply import Phase
from coldframe.engines.mariadb.endpoint.state import Prepared, State, literal
from coldframe.engines.mariadb.endpoint.statements import PINNED, Leaves, killed, leaves
from coldframe.engines.mariadb.endpoint.token_accounts import concerned

if TYPE_CHECKING:
    from coldframe.engines.mariadb.endpoint.session import Session

QUIT, INIT_DB, QUERY, FIELD_LIST, STATISTICS, KILL, DEBUG = 0x01, 0x02, 0x03, 0x04, 0x09, 0x0C, 0x0D
CHANGE_USER, BINLOG_DUMP = 0x11, 0x12
PREPARE, EXECUTE, LONG_DATA, CLOSE, RESET, SET_OPTION, FETCH = 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C
RESET_CONNECTION, BULK_EXECUTE = 0x1F, 0xFA
_LAST = 0xFFFFFFFF
_MULTI_ON, _MULTI_OFF = b"\0\0", b"\1\0"
_TYPES = 128
_LONG_TEXTS = Leaves.VARIABLES | Leaves.ROLE | Leaves.OPAQUE
_BINARY = (b"VARCHAR", b"binary")
_PHASES = {
    QUIT: None,
    FIELD_LIST: Phase.ROWS,
    STATISTICS: Phase.SINGLE,
    DEBUG: Phase.SINGLE,
    SET_OPTION: Phase.SINGLE,
    CHANGE_USER: Phase.SIGN_IN,
    BINLOG_DUMP: Phase.STREAM,
    PREPARE: Phase.PREPARED,
    LONG_DATA: None,
    CLOSE: None,
    FETCH: Phase.ROWS,
}
# In hexadecimal digits, which no character set of the session can change. A value is cut off after 2048 characters there.
_USER_VARIABLES = (
    b"SELECT VARIABLE_NAME, HEX(VARIABLE_VALUE), VARIABLE_TYPE,"
    b" IF(CHAR_LENGTH(VARIABLE_VALUE) >= 2048, 'binary', CHARACTER_SET_NAME)"
    b" FROM information_schema.USER_VARIABLES"
)
# The loop itself holds tasks weakly.
_WAITING: set[asyncio.Task[None]] = set()
_OF_STATEMENTS = frozenset((EXECUTE, LONG_DATA, CLOSE, RESET, FETCH, BULK_EXECUTE))


def begin(session: "Session", data: bytes) -> tuple[bytes, int | None]:
    """Note what a command will do; returns it as the server must get it, and what the reply begins with.

    None means that there is no reply.
    """
    command, state = data[4], session.state
    if command == QUERY:
        state.leaves &= ~Leaves.ONE_SHOT
        several = bool(session.answer.capabilities & wire.MULTI_STATEMENTS)
        state.leaves |= leaves(data[5:], several=several)
        if data[2]:
            # What comes later of a long one is not looked at, and may leave as much.
            state.leaves |= _LONG_TEXTS if several else Leaves.VARIABLES
        if session.gate.renamed and data[5:6] in b" kK/" and (found := killed(data[5:])):
            data = _renamed(session, data, found.span(1), int(found[1]))
        return data, Phase.FIRST
    if command == PREPARE:
        session.pending = data[5:]
        # Text that a statement holds may do the same when it is executed.
        state.leaves |= leaves(data[5:], several=False) & (PINNED | Leaves.VARIABLES | Leaves.OPAQUE)
    elif command in _OF_STATEMENTS and len(data) >= 9:
        data = _of_statement(session, data)
    elif command == CHANGE_USER:
        data = _changes_user(session, data)
    elif command == KILL and len(data) == 9:
        now = session.gate.renamed.get(int.from_bytes(data[5:], "little"))
        if now is not None:
            data = data[:5] + now.to_bytes(4, "little")
    elif command == SET_OPTION:
        session.pending = data[5:7]
    return data, _PHASES.get(command, Phase.FIRST)


def replied(session: "Session") -> None:
    """Note what a command has done, once its reply is there."""
    reply, state = session.reply, session.state
    command = session.command
    if command == PREPARE:
        text, session.pending = session.pending, b""
        if reply.prepared:
            number = int.from_bytes(reply.prepared[1:5], "little")
            parameters = int.from_bytes(reply.prepared[7:9], "little")
            state.statements[reply.renumber or number] = Prepared(text, number, parameters)
    elif command == RESET_CONNECTION and not reply.failed:
        # The server keeps the present database and forgets the rest.
        session.state = State(database=state.database)
        reply.status &= ~wire.IN_TRANSACTION
    elif command == CHANGE_USER and not reply.failed:
        session.gate.signed_in(session)
    elif command == SET_OPTION:
        option, session.pending = session.pending, b""
        if not reply.failed and option in {_MULTI_ON, _MULTI_OFF}:
            # Wherever it signs in from now on it asks for that.
            asked = session.answer.capabilities & ~wire.MULTI_STATEMENTS
            asked |= wire.MULTI_STATEMENTS * (option == _MULTI_ON)
            session.answer = session.answer._replace(capabilities=asked)
            reply.capabilities = asked | wire.SESSION_TRACK
            session.drop_spare()
    elif command in {EXECUTE, BULK_EXECUTE, FETCH}:
        session.pending = b""
        opened = reply.status & wire.CURSOR_EXISTS and not reply.status & wire.LAST_ROW_SENT
        if opened and not reply.failed:
            state.cursors.add(session.statement)
        else:
            state.cursors.discard(session.statement)


def _of_statement(session: "Session", data: bytes) -> bytes:
    state, command = session.state, data[4]
    number = int.from_bytes(data[5:9], "little")
    if number == _LAST:
        number = max(state.statements, default=0)
    statement = state.statements.get(number)
    if statement is None:
        return data
    session.statement = number
    if command == EXECUTE and statement.parameters:
        data = _with_types(state, statement, data)
    elif command == BULK_EXECUTE and len(data) > 11:
        data = _with_bulk_types(statement, data, mapped=state.mapped)
    elif command == LONG_DATA:
        # Part of an execution that is under way: the server holds it until then.
        session.pending = b"data"
    elif command in {RESET, CLOSE}:
        session.pending = b""
        state.cursors.discard(number)
        if command == CLOSE:
            del state.statements[number]
    if state.mapped:
        data = data[:5] + statement.server_id.to_bytes(4, "little") + data[9:]
    return data


def _with_types(state: State, statement: Prepared, data: bytes) -> bytes:
    """Remember the parameters' types, which a client sends once; put them in where a new server has not had them."""
    at = 14 + (statement.parameters + 7) // 8
    if len(data) <= at:
        return data
    width = 2 * statement.parameters
    if data[at] == 1:
        statement.types = data[at + 1 : at + 1 + width]
        if len(statement.types) < width:
            # They are not all there yet, and what is left of them is passed on unseen.
            state.leaves |= Leaves.PREPARED_BY_NAME
        return data
    if not state.mapped or not statement.types or int.from_bytes(data[:3], "little") + 4 != len(data):
        return data
    return wire.framed(data[4:at] + b"\x01" + statement.types + data[at + 1 :], data[3])


def _with_bulk_types(statement: Prepared, data: bytes, *, mapped: bool) -> bytes:
    """Do the same for many executions in one command, which says by a flag whether it has the types."""
    width = 2 * statement.parameters
    if data[9] & _TYPES:
        statement.types = data[11 : 11 + width]
        return data
    if not mapped or not statement.types or int.from_bytes(data[:3], "little") + 4 != len(data):
        return data
    return wire.framed(
        data[4:9] + bytes((data[9] | _TYPES,)) + data[10:11] + statement.types + data[11:], data[3]
    )


def _renamed(session: "Session", data: bytes, span: tuple[int, int], thread: int) -> bytes:
    """Let KILL find a session by the id that it had before it moved."""
    now = session.gate.renamed.get(thread)
    if now is None:
        return data
    payload = data[4 : 5 + span[0]] + str(now).encode() + data[5 + span[1] :]
    return wire.framed(payload, data[3])


def _changes_user(session: "Session", data: bytes) -> bytes:
    """Read who the session becomes; a proof for the server that greeted the client is made anew for the present one."""
    payload = data[5:]
    user, _, after = payload.partition(b"\0")
    if session.gate.accounts.is_ours(user):
        # The database would take the endpoint, at the other end of the socket, for that user.
        session.end()
        return b""
    if not after:
        # Cut short: it is for the database to say so.
        return data
    length = after[0]
    proof, after = after[1 : 1 + length], after[1 + length :]
    database, _, tail = after.partition(b"\0")
    half = session.gate.accounts.half(user, proof, session.client_salt) if length == 20 else None
    session.answer = session.answer._replace(user=user, database=database, plugin=wire.NATIVE)
    session.proof, session.half = proof, half if length else b""
    session.state = State(database=database)
    if half is None or session.client_salt == session.server_salt:
        return data
    made = wire.prove(half, session.server_salt)
    return wire.framed(b"\x11" + user + b"\0" + bytes((length,)) + made + database + b"\0" + tail, data[3])


def switched(session: "Session", asks: bytes) -> None:
    """Take note of another way of proving that the server asks for."""
    if asks[:1] == b"\xfe" and len(asks) > 1:
        plugin, _, salt = asks[1:].partition(b"\0")
        session.answer = session.answer._replace(plugin=plugin)
        session.client_salt = session.server_salt = salt[:20]


def proof(session: "Session", packet: bytes) -> bytes:
    """Take note of the client's proof, and pass it on."""
    session.proof = packet[4:]
    session.half = None
    if session.answer.plugin == wire.CLEAR:
        session.half = wire.half(session.proof.rstrip(b"\0").decode("utf-8", "surrogateescape"))
    return packet


def about_tokens(session: "Session", data: bytes) -> bool:
    """Tell whether a command may make an account for tokens, which the database is told in other words."""
    return data[4] in {QUERY, PREPARE} and session.gate.accounts.tokens is not None and concerned(data[5:])


def ask_about_tokens(session: "Session", data: bytes) -> None:
    """Have a command written as the database understands it, and let the session go on with it."""
    tokens, accounts = session.gate.accounts.tokens, session.gate.accounts

    async def write() -> None:
        statement = data[5:]
        if tokens is not None:
            await accounts.refresh(session.target)
            statement = await tokens.written(statement, accounts)
        session.resume(wire.framed(data[4:5] + statement, data[3]))

    task = asyncio.get_running_loop().create_task(write())
    _WAITING.add(task)
    task.add_done_callback(_WAITING.discard)


async def ask(session: "Session") -> None:
    """Ask the server, at a boundary, for what another must be told and the protocol does not report."""
    state, capabilities = session.state, session.reply.capabilities
    if state.leaves & Leaves.OPAQUE:
        await _ask_of_routines(session)
    carried: list[bytes] = []
    if state.leaves & Leaves.VARIABLES:
        found = await server.rows(session.server, _USER_VARIABLES, capabilities)
        if any(value is not None and (kind, charset) == _BINARY for _, value, kind, charset in found):
            state.leaves |= Leaves.BINARY_VARIABLE
        carried += [b"SET " + _user_variable(row[0] or b"", row[1], row[2] or b"") for row in found]
    if state.leaves & Leaves.ROLE:
        role = (await server.rows(session.server, b"SELECT CURRENT_ROLE()", capabilities))[0][0]
        carried.append(b"SET ROLE " + (b"NONE" if role is None else literal(role, text=True)))
    if state.inserted:
        last = (await server.rows(session.server, b"SELECT LAST_INSERT_ID()", capabilities))[0][0]
        carried.append(b"DO LAST_INSERT_ID(" + (last or b"0") + b")")
    state.carried = carried


async def _ask_of_routines(session: "Session") -> None:
    """Find out what stored routines left behind: the counters of the session count their statements, too."""
    counters = {
        b"Com_create_temporary_table": Leaves.TEMPORARY_TABLE,
        b"Com_lock_tables": Leaves.TABLE_LOCKS,
        b"Com_prepare_sql": Leaves.PREPARED_BY_NAME,
        b"Com_ha_open": Leaves.HANDLER,
    }
    names = b",".join(b"'" + name + b"'" for name in counters)
    asked = b"SHOW SESSION STATUS WHERE Variable_name IN (" + names + b") AND Value > 0"
    for name, _ in await server.rows(session.server, asked, session.reply.capabilities):
        session.state.leaves |= counters.get(name or b"", Leaves.NOTHING)


def _user_variable(name: bytes, value: bytes | None, kind: bytes) -> bytes:
    """Write a user variable's assignment; its value comes as the hexadecimal digits of its text."""
    written = b"NULL"
    if value is not None:
        text = bytes.fromhex(value.decode())
        written = b"CONVERT(X'" + value + b"' USING utf8mb4)" if kind == b"VARCHAR" else text
    return b"@`" + name.replace(b"`", b"``") + b"`=" + written
