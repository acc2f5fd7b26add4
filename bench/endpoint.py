"""What it costs to go through an endpoint: queries a second against the database itself and through HAProxy, in one run.

Run: python -m bench.endpoint [--seconds 2] [--clients 1 8 32] [--rounds 3] [--engine NAME] [--shapes NAME] [--no-bulk] [--idle 200] [--directory DIR]. Prints a table
for each engine, and megabytes a second of 100 MB that are read, copied out and copied in by its command line client.

The load is sysbench's, with its drivers in C: a client is a thread with a connection, in clear, and the clock starts when the last one has
signed in. The three ways take turns for so many seconds each, and the best round of each counts; HAProxy is left out where it
is not. The endpoint's processor time includes signing in. At the end idle connections are weighed.
"""

import argparse
import contextlib
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from bench import machine
from coldframe.core import process
from coldframe.engines.endpoint import EndpointSpec
from tests.engines.databases.kits import KITS, MASTER, loopback

ROWS = 10000
SHAPES = {
    "point select": "SELECT word FROM bench WHERE id = 4711",
    "100 rows": "SELECT id, word FROM bench WHERE id BETWEEN 1000 AND 1099",
    "10,000 rows": "SELECT id, word FROM bench",
}
# 100,000 rows of a kilobyte.
MANY = "SELECT REPEAT(word, 25) FROM bench, (SELECT 1 FROM bench LIMIT 10) AS ten"
MEGABYTES = 100
# What each thread of sysbench does: all have connected before its clock starts.
SCRIPT = """
function thread_init() connection = sysbench.sql.driver():connect() end
function event() connection:query("STATEMENT") end
function thread_done() connection:disconnect() end
"""
BULK = {
    "mariadb": {
        "SELECT": ["-e", MANY],
        "LOAD DATA": [
            "--local-infile=1",
            "-e",
            "CREATE TEMPORARY TABLE sink (word VARCHAR(1000)); LOAD DATA LOCAL INFILE '{file}' INTO TABLE sink",
        ],
    },
    "postgresql": {
        "SELECT": ["-c", MANY],
        "COPY out": ["-c", f"COPY ({MANY}) TO STDOUT"],
        "COPY in": ["-c", "CREATE TEMP TABLE sink (word text)", "-c", "\\copy sink FROM '{file}'"],
    },
}


def bulk_seconds(name, where, options):
    """How long the command line client of an engine takes for something long."""
    if name == "mariadb":
        command = ["mariadb", "--no-defaults", f"-h{where[0]}", f"-P{where[1]}", f"-u{MASTER.user}"]
        command += ["--quick", "--skip-column-names", "app"]
    else:
        command = ["psql", "-qAtX", "-h", str(where[0]), "-p", str(where[1]), "-U", MASTER.user, "-d", "app"]
    secret = {"mariadb": "MYSQL_PWD", "postgresql": "PGPASSWORD"}[name]
    environment = {secret: MASTER.password, "PGSSLMODE": "disable", "PATH": os.environ["PATH"]}
    began = time.monotonic()
    subprocess.run([*command, *options], stdout=subprocess.DEVNULL, check=True, env=environment)
    return time.monotonic() - began


def bulk_table(kit, folder, ways, pid, chosen):
    """Print megabytes a second of each way."""
    tool = {"mariadb": "mariadb", "postgresql": "psql"}[kit.name]
    if process.find(tool) is None:
        print(f"{kit.name}: {tool} is not here")
        return
    file = folder / "rows"
    file.write_bytes((b"x" * 999 + b"\n") * (MEGABYTES * 1000))
    print(f"\n{kit.name}: megabytes a second of {MEGABYTES} MB, best of {chosen.rounds}")
    print(f"{'':22}" + heads(ways) + f"{'ms a MB':>12}", flush=True)
    for shape, options in BULK[kit.name].items():
        asked = [option.replace("{file}", str(file)) for option in options]
        best = dict.fromkeys(ways, 0.0)
        used = 0.0
        for _ in range(chosen.rounds):
            for name, where in ways.items():
                before = processor(pid)
                best[name] = max(best[name], MEGABYTES / bulk_seconds(kit.name, where, asked))
                if name == "endpoint":
                    used = (processor(pid) - before) / MEGABYTES
        print(f"{shape:22}{numbers(best)}{used * 1e3:12.1f}", flush=True)


def rate(kit, where, statement, clients, seconds, folder):
    """Queries a second of a number of clients, whose clock begins when all of them have signed in; and how many there were."""
    option = {"mariadb": "mysql", "postgresql": "pgsql"}[kit.name]
    script, configuration = folder / "load.lua", folder / "load.cfg"
    script.write_text(SCRIPT.replace("STATEMENT", statement))
    place = {
        "host": where[0],
        "port": where[1],
        "user": MASTER.user,
        "password": MASTER.password,
        "db": "app",
    }
    configuration.write_text("".join(f"{option}-{name}={value}\n" for name, value in place.items()))
    command = ["sysbench", f"--config-file={configuration}", f"--db-driver={option}", f"--threads={clients}"]
    command += [f"--{option}-password={MASTER.password}", f"--time={seconds}", "--events=0", script, "run"]
    environment = {"PGSSLMODE": "disable", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    took = float(re.search(r"total time: +([\d.]+)s", done.stdout)[1])
    queries = int(re.search(r"total number of events: +(\d+)", done.stdout)[1])
    return queries / took, queries


@contextlib.contextmanager
def haproxy(folder, target):
    """HAProxy as a plain forwarder in front of a database; None where it is not on this machine."""
    program = process.find("haproxy", Path("/usr/sbin"))
    if program is None:
        yield None
        return
    address, port = loopback()
    configuration = folder / "haproxy.cfg"
    configuration.write_text(
        "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        f"listen db\n  bind {address}:{port}\n  server one {target}\n"
    )
    running = subprocess.Popen([program, "-f", configuration, "-db"], stderr=subprocess.DEVNULL)
    try:
        yield address, port
    finally:
        running.terminate()
        running.wait()


def processor(pid):
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def idle(kit, where, pid, number):
    """Print what connections cost the endpoint that say nothing."""
    with contextlib.ExitStack() as sessions:

        def come():
            sessions.enter_context(contextlib.closing(kit.session(where, MASTER, **kit.plain)))

        come()
        before = resident(pid)
        for _ in range(number):
            come()
        cost = (resident(pid) - before) / number / 1024
        print(f"{kit.name}: {number} idle connections cost the endpoint {cost:.1f} KB each", flush=True)


def direct(kit, spec, socket):
    """Where the database itself can be reached without its endpoint: over TCP where it listens, else at its socket."""
    if kit.name == "mariadb":
        from coldframe.engines.mariadb.places import Place
        from coldframe.engines.mariadb.settings import private_address

        return private_address(spec), Place(spec).kept().port
    return socket.parent, 5432


def measure(kit, folder, chosen):
    """Make a database of one engine and print its table."""
    settings = {"max_connections": str(chosen.idle + 100)}
    spec = kit.spec(folder, f"bench-{kit.name}", settings=settings)
    kit.engine.create(spec, MASTER, "app")
    socket = kit.engine.start(spec).socket
    address, port = loopback()
    endpoint = EndpointSpec("bench", kit.name, address, port, folder / f"endpoint-{kit.name}")
    try:
        pid = kit.endpoints.start(endpoint, socket).pid
        kit.rows(socket, "CREATE TABLE bench (id INT PRIMARY KEY, word VARCHAR(100) NOT NULL)")
        values = ",".join(f"({number}, '{'word' * 10}')" for number in range(ROWS))
        kit.rows(socket, f"INSERT INTO bench VALUES {values}")
        itself = direct(kit, spec, socket)
        forwarded = f"{itself[0]}:{itself[1]}" if kit.name == "mariadb" else f"unix@{socket}"
        with haproxy(folder, forwarded) as through:
            ways = {"direct": itself, "HAProxy": through, "endpoint": (address, port)}
            ways = {name: where for name, where in ways.items() if where is not None}
            if process.find("sysbench") is None:
                print(f"{kit.name}: sysbench is not here")
            else:
                table(kit, folder, ways, pid, chosen)
            if chosen.bulk:
                bulk_table(kit, folder, ways, pid, chosen)
            if chosen.idle:
                idle(kit, (address, port), pid, chosen.idle)
    finally:
        kit.endpoints.stop(endpoint)
        kit.engine.stop(spec, at_once=True)


def table(kit, folder, ways, pid, chosen):
    """Print queries a second of each way."""
    print(f"\n{kit.name} {kit.versions[0]}: queries a second, best of {chosen.rounds}")
    print(f"{'':14}{'clients':>8}" + heads(ways) + f"{'us a query':>12}", flush=True)
    for shape in chosen.shapes:
        for clients in chosen.clients:
            best, used = dict.fromkeys(ways, 0.0), 0.0
            for _ in range(chosen.rounds):
                for name, where in ways.items():
                    before = processor(pid)
                    found, queries = rate(kit, where, SHAPES[shape], clients, chosen.seconds, folder)
                    best[name] = max(best[name], found)
                    if name == "endpoint":
                        used = (processor(pid) - before) / queries
            print(f"{shape:14}{clients:8}{numbers(best)}{used * 1e6:12.0f}", flush=True)


def heads(ways):
    """The heads of the columns that `numbers` fills."""
    compared = [f"of {name}" for name in ways if name != "endpoint"]
    return "".join(f"{name:>12}" for name in (*ways, *compared))


def numbers(best):
    """What each way did, and how the endpoint compares with each other one."""
    compared = [best["endpoint"] / value for name, value in best.items() if name != "endpoint"]
    return "".join(f"{value:12,.0f}" for value in best.values()) + "".join(f"{one:12.2f}" for one in compared)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--engine", choices=KITS, nargs="+", default=list(KITS))
    parser.add_argument("--bulk", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=200)
    parser.add_argument("--directory", default=None)
    chosen = parser.parse_args()
    for line in machine.facts(Path(chosen.directory or tempfile.gettempdir())):
        print(line)
    print("the last column is the endpoint's own processor time")
    for name in chosen.engine:
        make = KITS[name]
        with tempfile.TemporaryDirectory(prefix="coldframe-bench-", dir=chosen.directory) as folder:
            measure(make(), Path(folder), chosen)


if __name__ == "__main__":
    main()
