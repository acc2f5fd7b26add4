"""Logs are read entry by entry, each once, whatever becomes of their files meanwhile."""

import os
import time

import pytest

from coldframe.engines import log_lines
from coldframe.engines.log_reading import QUIET, Limits, LogReader, Source

LIMITS = Limits(entries=10_000, size=1_048_576, extra=26)
POSTGRESQL = log_lines.postgresql("%t:%r:%u@%d:[%p]:", "UTC")
NOON = 1_795_176_000_000  # 2026-11-20 12:00:00 UTC


def line(number, text="LOG:  line"):
    """A line of PostgreSQL's log, a second after the one before."""
    return f"2026-11-20 12:{number // 60:02}:{number % 60:02} UTC:[local]:u@d:[7]:{text} {number}\n"


class Log:
    """A log in a folder, read as the exporter does: places are kept, readers may be new ones."""

    def __init__(self, folder, form=POSTGRESQL, limits=LIMITS):
        self.folder, self.form, self.limits = folder, form, limits
        self.places, self.texts, self.entries = [], [], []
        self.reader = LogReader(limits)

    def write(self, name, text, *, quiet=True):
        """Add to a file; `quiet` says that it was some time ago."""
        path = self.folder / name
        with path.open("ab") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        if quiet:
            self.settle(name)
        return path

    def settle(self, name, ago=QUIET + 5):
        at = time.time() - ago
        os.utime(self.folder / name, (at, at))

    def read(self, *, new=False, **how):
        """Read everything that there is; returns the texts that are new."""
        if new:
            self.reader = LogReader(self.limits)
        found, more = [], True
        while more:
            sources = [Source(path, self.form) for path in sorted(self.folder.iterdir())]
            piece = self.reader.read(sources, self.places, **how)
            self.places, more = piece.places, piece.more
            found += piece.entries
        self.entries += found
        self.texts += [each.text for each in found]
        return [each.text for each in found]


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def test_an_entry_has_all_its_lines_and_its_time(log):
    whole = (
        line(1, "ERROR:  no"),
        line(1, "DETAIL:  because\n\tof this:DETAIL:  x"),
        line(1, "STATEMENT:  SELECT\n\t1"),
    )
    log.write("a", "".join(whole) + line(2) + line(3, "LOG:  a\n\n\tb"))
    assert log.read() == ["".join(whole).rstrip("\n"), line(2)[:-1], line(3, "LOG:  a\n\n\tb")[:-1]]
    assert [each.at for each in log.entries] == [NOON + 1000, NOON + 2000, NOON + 3000]
    assert log.read() == []


def test_the_last_entry_waits_until_nothing_follows(log):
    log.write("a", line(1), quiet=False)
    assert log.read() == []
    log.write("a", "\tmore\n", quiet=False)
    assert log.read() == []
    log.settle("a")
    assert log.read() == [line(1) + "\tmore"]
    log.write("a", line(2)[:-1])
    assert log.read() == []
    log.write("a", "\n")
    assert log.read() == [line(2)[:-1]]
    log.write("a", line(3)[:9])
    assert log.read() == []
    assert log.read(last=True) == []
    log.write("a", line(3)[9:], quiet=False)
    assert log.read(last=True) == [line(3)[:-1]]


@pytest.mark.parametrize("new", [False, True], ids=["by one reader", "by a new one"])
def test_nothing_is_read_twice_or_left_out_across_rotations(log, new):
    """Files are renamed, left for another one, copied with their folder; and a new one may get the number of one that is gone."""
    expected = []

    def add(name, first, count):
        log.write(name, "".join(line(number) for number in range(first, first + count)))
        expected.extend(line(number)[:-1] for number in range(first, first + count))

    add("now", 0, 50)
    log.read(new=new)
    add("now", 50, 10)
    (log.folder / "now").rename(log.folder / "now.1")
    log.settle("now.1", 60)
    add("now", 60, 10)
    log.read(new=new)
    add("now", 70, 1)
    log.read(new=new)
    (log.folder / "now.1").unlink()
    # As a backup that was restored: every file has another number.
    body = (log.folder / "now").read_bytes()
    (log.folder / "now").rename(log.folder / ".old")
    log.write("copy", body)
    (log.folder / "copy").rename(log.folder / "now")
    (log.folder / ".old").unlink()
    log.read(new=new)
    add("now", 71, 3)
    log.read(new=new)
    # Emptied, and longer at once than it was: other first bytes.
    (log.folder / "now").write_bytes(b"")
    add("now", 100, 200)
    log.read(new=new)
    (log.folder / "now").unlink()
    add("again", 400, 300)
    log.read(new=new)
    assert log.texts == expected


def test_a_piece_keeps_to_the_limits_and_the_next_goes_on(tmp_path):
    log = Log(tmp_path, limits=Limits(entries=3, size=400, extra=26, span=10_000))
    lines = [line(number) for number in (1, 2, 3, 4, 5, 60, 61)] + [line(62, "LOG:  " + "é" * 500)]
    log.write("a", "".join(lines))
    log.write("b", line(70))
    sizes, places, more = [], [], True
    while more:
        piece = log.reader.read([Source(tmp_path / name, POSTGRESQL) for name in "ab"], places)
        places, more = piece.places, piece.more
        sizes.append(len(piece.entries))
        assert len(piece.entries) <= 3
        assert sum(len(each.text.encode()) + 26 for each in piece.entries) <= 400
        assert max(each.at for each in piece.entries) - min(each.at for each in piece.entries) <= 10_000
        log.texts += [each.text for each in piece.entries]
    assert sizes[:2] == [3, 2]
    assert log.texts[:7] == [each[:-1] for each in lines[:7]]
    assert "".join(log.texts[7:-1]) == lines[7][:-1]
    assert log.texts[-1] == line(70)[:-1]


def test_an_entry_longer_than_what_is_read_at_once_is_cut_and_whole(log):
    long = line(1, "LOG:  " + "x" * 9_500_000)
    log.write("a", long + line(2))
    log.read()
    assert "".join(log.texts) == long[:-1] + line(2)[:-1]
    assert {each.at for each in log.entries[:-1]} == {NOON + 1000}


def test_what_was_before_a_time_is_passed_over(log):
    log.write("old", line(1))
    log.write("now", "".join(line(number) for number in range(2, 9)))
    log.settle("old", 100_000_000)
    assert log.read(since=NOON + 5500) == [line(number)[:-1] for number in range(5, 9)]
    log.write("now", line(9))
    assert log.read(since=NOON + 5500) == [line(9)[:-1]]


def test_links_and_pipes_are_no_logs(log, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text(line(1))
    (log.folder / "link").symlink_to(secret)
    os.mkfifo(log.folder / "pipe")
    log.write("a", line(2))
    assert log.read(last=True) == [line(2)[:-1]]


def local(*when):
    """Milliseconds since 1970 of a local time, as the machine's programs have it."""
    return round(time.mktime((*when, 0, 0, -1))) * 1000


def test_the_logs_of_mariadb_have_forms_of_their_own(tmp_path):
    general = Log(tmp_path, log_lines.mariadb("general"))
    head = "/usr/sbin/mariadbd, Version: 10.11. started with:\nTcp port: 1  Unix socket: s\nTime\t\t    Id Command\tArgument\n"
    entries = [
        "261130 12:00:01\t     3 Connect\tu@h on d using Socket\n",
        "\t\t     3 Query\tSELECT 1,\n\t\t'a  3 b',\n  2\n",
        "261130  9:00:05\t    31 Init DB\td\n",
        "\t\t    31 Quit\t\n",
    ]
    general.write("g", head + "".join(entries))
    assert general.read() == [head[:-1], *(each.rstrip("\n") for each in entries)]
    one, two = local(2026, 11, 30, 12, 0, 1), local(2026, 11, 30, 9, 0, 5)
    assert [each.at for each in general.entries[1:]] == [one, one, two, two]
    general.write("g", "\t\t     3 Quit\t\n")
    assert general.read(new=True) == ["\t\t     3 Quit\t"]
    assert general.entries[-1].at == two


def test_slow_queries_and_errors_of_mariadb(tmp_path):
    (tmp_path / "slow").mkdir()
    slow = Log(tmp_path / "slow", log_lines.mariadb("slowquery"))
    rest = "# User@Host: u[u] @ h []\n# Thread_id: 6  Schema: d\nSET timestamp=1;\nSELECT\n1;\n"
    slow.write("s", "# Time: 261130 12:00:01\n" + rest + rest)
    assert slow.read() == ["# Time: 261130 12:00:01\n" + rest[:-1], rest[:-1]]
    assert {each.at for each in slow.entries} == {local(2026, 11, 30, 12, 0, 1)}
    (tmp_path / "error").mkdir()
    errors = Log(tmp_path / "error", log_lines.mariadb("error"))
    crash = "261130 12:00:09 [ERROR] mysqld got signal 11 ;\nSorry, we probably made a mistake\n\nstack 1\nstack 2\n"
    errors.write("e", "2026-11-30 12:00:01 0 [Note] up\n" + crash + "2026-11-30  9:00:01 17 [Note] up\n")
    assert errors.read() == [
        "2026-11-30 12:00:01 0 [Note] up",
        crash[:-1],
        "2026-11-30  9:00:01 17 [Note] up",
    ]
    assert [each.at for each in errors.entries][1] == local(2026, 11, 30, 12, 0, 9)


def test_times_are_those_of_the_zone_and_of_the_prefix(tmp_path):
    log = Log(tmp_path, log_lines.postgresql("%m [%p] ", "Europe/Berlin"))
    log.write("a", "2026-11-20 13:00:00.250 CET [7] LOG:  a\n2026-07-01 12:00:00.5 CEST [7] LOG:  b\n")
    log.read()
    assert [each.at for each in log.entries] == [NOON + 250, 1_782_900_000_500]
    (tmp_path / "a").unlink()
    other = Log(tmp_path, log_lines.postgresql("[%p] ", "UTC"))
    other.write("a", "[7] LOG:  a\n\tb\n[7] LOG:  c\n")
    assert other.read() == ["[7] LOG:  a\n\tb", "[7] LOG:  c"]
    assert abs(other.entries[0].at / 1000 - time.time()) < 60


def test_a_log_that_has_not_grown_is_not_opened(log, monkeypatch):
    log.write("a", line(1))
    log.write("b", line(2))
    log.read()
    monkeypatch.setattr("coldframe.engines.log_reading.os.open", None)
    assert log.read() == []


def test_what_comes_late_into_an_old_file_is_found_and_so_is_a_new_one(log):
    """Files of long ago are looked at now and then only; what is written, and what is new, at once."""
    log.write("old", line(1))
    log.settle("old", 10_000)
    log.write("now", line(2))

    def looks():
        sources = [Source(path, POSTGRESQL) for path in sorted(log.folder.iterdir())]
        piece = log.reader.read(sources, log.places)
        if piece.entries:
            log.places = piece.places
        return [each.text for each in piece.entries]

    assert looks() == [line(1)[:-1], line(2)[:-1]]
    assert [looks() for _ in range(3)] == [[]] * 3
    log.write("now", line(3))
    assert looks() == [line(3)[:-1]]
    assert looks() == looks() == []
    log.write("new", line(4))
    assert looks() == [line(4)[:-1]]
    log.write("old", line(5))
    log.settle("old", 5_000)
    found = [looks() for _ in range(40)]
    assert [each for each in found if each] == [[line(5)[:-1]]]
    # The places of a log that was switched off and on again are others.
    log.places = []
    assert looks() == [line(1)[:-1], line(5)[:-1], line(2)[:-1], line(3)[:-1], line(4)[:-1]]
