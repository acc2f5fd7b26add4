"""What passes through an endpoint of MariaDB: long packets, many statements in one, files, rows that are fetched bit by bit."""

import os
import subprocess
import threading
import time
import zlib
from pathlib import Path

import pymysql
import pytest

from tests.engines.databases.kits import MASTER, until
from tests.engines.databases.mariadb.conftest import ask, server_of

pytestmark = pytest.mark.xdist_group("databases")


def test_the_command_line_client_works_through_it(endpoint):
    done = subprocess.run(
        [
            "mariadb",
            "--no-defaults",
            f"-h{endpoint.spec.address}",
            f"-P{endpoint.spec.port}",
            "-uadmin",
            "app",
        ],
        input="SELECT 'it', 'works'; SELECT COUNT(*) FROM t WHERE id < 0;",
        env={"MYSQL_PWD": MASTER.password, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["it\tworks", "it\tworks", "COUNT(*)", "0"]


class Compressing(pymysql.connections.Connection):
    """A client that compresses once it is let in, whatever was offered, as PHP and Connector/Python do."""

    def _request_authentication(self):
        super()._request_authentication()
        self._plain, self._frames, self._came, self._number = self._sock, self._rfile, b"", 0
        self._rfile = self

    def _write_bytes(self, data):
        if "_frames" not in vars(self):
            super()._write_bytes(data)
            return
        self._number = 0
        for at in range(0, len(data), 0xFFFFFF):
            part = data[at : at + 0xFFFFFF]
            packed = zlib.compress(part) if len(part) > 50 else part
            head = len(packed).to_bytes(3, "little") + bytes((self._number,))
            size = len(part) if len(part) > 50 else 0
            self._plain.sendall(head + size.to_bytes(3, "little") + packed)
            self._number = (self._number + 1) % 256

    def read(self, size):
        while len(self._came) < size:
            head = self._frames.read(7)
            assert head[3] == self._number, (
                "frames are numbered one after the other, beginning with the client's"
            )
            part = self._frames.read(int.from_bytes(head[:3], "little"))
            self._came += zlib.decompress(part) if any(head[4:]) else part
            self._number = (self._number + 1) % 256
        found, self._came = self._came[:size], self._came[size:]
        return found

    def _force_close(self):
        self._rfile = vars(self).pop("_frames", self._rfile)
        super()._force_close()


def test_who_compresses_though_nobody_offers_it_is_understood(endpoint, tmp_path):
    file = tmp_path / "rows"
    file.write_text("".join(f"{number}\t{'word' * 20}\n" for number in range(20000)))
    where = {
        "host": endpoint.spec.address,
        "port": endpoint.spec.port,
        "local_infile": True,
        "database": "app",
    }
    session = Compressing(**where, user=MASTER.user, password=MASTER.password, client_flag=1 << 5)
    with session, session.cursor() as cursor:
        assert ask(session, "SELECT 1") == ((1,),)
        assert ask(session, "SELECT LENGTH('" + "x" * 20_000_000 + "')") == ((20_000_000,),)
        assert len(ask(session, "SELECT REPEAT('x', 20000000)")[0][0]) == 20_000_000
        with pytest.raises(pymysql.MySQLError, match="doesn't exist"):
            ask(session, "SELECT * FROM nowhere")
        ask(session, "SET @before = 5")
        assert endpoint.move().cut == 0
        assert ask(session, "SELECT @before") == ((5,),)
        ask(session, "CREATE TEMPORARY TABLE taken (id INT, word VARCHAR(100))")
        cursor.execute(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE taken")
        assert ask(session, "SELECT COUNT(*), MIN(LENGTH(word)) FROM taken") == ((20000, 80),)


def test_what_is_no_compressed_frame_ends_the_session(endpoint):
    session = Compressing(
        host=endpoint.spec.address,
        port=endpoint.spec.port,
        user=MASTER.user,
        password=MASTER.password,
        client_flag=1 << 5,
    )
    session._plain.sendall(b"\x05\0\0\0\xff\xff\xff" + zlib.compress(bytes(1 << 24))[:5])
    assert session._plain.recv(1) == b""
    session._force_close()
    until(lambda: endpoint.of.status(endpoint.spec).sessions == 0)


def test_another_compression_is_not_spoken(endpoint):
    with pytest.raises(pymysql.OperationalError, match="compression") as refused:
        endpoint.connect(client_flag=1 << 26).__enter__()
    assert refused.value.args[0] == 1043


def test_packets_of_more_than_sixteen_mebibytes_pass_unchanged_in_both_directions(endpoint):
    longest = (1 << 24) - 1
    with endpoint.connect(max_allowed_packet=1 << 28) as session:
        # A statement whose packet is as long as one may be is followed by an empty one.
        about = len("SELECT LENGTH('')") + 1
        for length in (longest - about - 1, longest - about, longest - about + 1, 3 * longest):
            assert ask(session, "SELECT LENGTH('" + "x" * length + "')") == ((length,),)
        for length in (longest - 5, longest - 4, longest - 3, 3 * longest):
            assert len(ask(session, f"SELECT REPEAT('x', {length})")[0][0]) == length
        assert endpoint.move().cut == 0
        assert ask(session, "SELECT 1") == ((1,),)


def test_a_text_of_many_statements_has_as_many_answers(endpoint):
    many = pymysql.constants.CLIENT.MULTI_STATEMENTS
    with endpoint.connect(client_flag=many) as session, session.cursor() as cursor:
        cursor.execute("SELECT 1; SET @a = 2; DO 0; SELECT @a, REPEAT('x', 100000); SELECT 3 WHERE 0")
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        assert list(map(tuple, found)) == [((1,),), (), (), ((2, "x" * 100000),), ()]
        assert endpoint.move().cut == 0
        assert ask(session, "SELECT @a") == ((2,),)


def test_rows_that_are_fetched_by_a_cursor_of_the_server_are_fetched_before_it_is_moved(endpoint):
    with endpoint.connect() as session:
        before = server_of(session)
        session._execute_command(0x16, "SELECT seq, @@server_id FROM seq_1_to_30")
        first = session._read_packet().read_all()
        for _ in range(3):
            session._read_packet()
        number = first[1:5]
        # A cursor that is for reading alone, and no parameters.
        session._execute_command(0x17, number + b"\x01" + b"\1\0\0\0")
        while not session._read_packet().is_eof_packet():
            pass
        holding = threading.Thread(target=lambda: endpoint.hold(drain=30))
        holding.start()
        until(lambda: endpoint.of.status(endpoint.spec).holding)
        rows = []
        for _ in range(4):
            session._execute_command(0x1C, number + b"\x0a\0\0\0")
            while not (packet := session._read_packet()).is_eof_packet():
                rows.append(packet.read_all())
        assert len(rows) == 30
        holding.join()
        endpoint.release(1)
        assert server_of(session) != before


def test_a_slow_reader_is_waited_for_and_nothing_is_piled_up(endpoint):
    def resident():
        pid = endpoint.of.status(endpoint.spec).pid
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    with endpoint.connect() as session:
        session._execute_command(3, "SELECT REPEAT('x', 1000) FROM seq_1_to_100000")
        sent = 0
        while (now := endpoint.of.status(endpoint.spec).bytes_out) != sent or not sent:
            sent = now
            time.sleep(0.2)
        assert sent < 60 << 20
        assert resident() - before < 16 << 20
        session._read_query_result()
        assert session._result.affected_rows == 100000


def test_large_packets_pass_unchanged_in_both_directions(endpoint):
    with endpoint.connect(max_allowed_packet=1 << 26) as session:
        ask(session, "SET SESSION group_concat_max_len = 100000000")
        assert (
            ask(session, "SELECT MD5(REPEAT('ab', 7000000)), LENGTH(REPEAT('ab', 7000000))")[0][1] == 14000000
        )
        word = "0123456789abcdef" * 700000
        assert ask(session, "SELECT %s", word) == ((word,),)
        rows = ask(session, "SELECT seq, REPEAT('x', seq % 3000) FROM seq_1_to_5000")
        assert [(number, len(text)) for number, text in rows] == [(n, n % 3000) for n in range(1, 5001)]
        endpoint.move()
        assert ask(session, "SELECT LENGTH(%s)", word) == ((len(word),),)


def test_a_local_file_is_loaded_through_it(endpoint, tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("".join(f"{number}\tline {number}\n" for number in range(20000)))
    with endpoint.connect(local_infile=True) as session:
        ask(session, f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE entries")
        assert ask(session, "SELECT COUNT(*), MAX(id) FROM entries") == ((20000, 19999),)
        ask(session, "DELETE FROM entries")
        endpoint.move()
        assert ask(session, "SELECT 1") == ((1,),)
