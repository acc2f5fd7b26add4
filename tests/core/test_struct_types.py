"""Two threads that decode to the same struct for the first time: the second one waits until msgspec knows all of it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src" / "coldframe"

RACE = """
import threading
import msgspec
from coldframe.core.struct_types import whole

began, go_on = threading.Event(), threading.Event()

def slowly():
    began.set()
    go_on.wait(5)
    return int

class Inner(msgspec.Struct):
    number: "slowly()"

class Outer(msgspec.Struct):
    text: str
    inner: Inner

found = []

def decode():
    found.append(msgspec.json.decode(b'{"text": "a", "inner": {"number": 1}}', type=whole(Outer)))

threads = [threading.Thread(target=decode) for _ in range(2)]
threads[0].start()
began.wait(5)
threads[1].start()
threads[1].join(0.2)
go_on.set()
for each in threads:
    each.join()
assert found == [Outer("a", Inner(1))] * 2, found
"""


def test_a_type_is_decoded_to_when_all_of_it_is_known():
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, check=False)
    # Without it the second thread ends the process: -11.
    assert (done.returncode, done.stderr) == (0, "")


# Processes of one thread, and a type that is made where it is used.
ALONE = {
    "keys/agent/stored.py",
    "keys/conversion.py",
    "keys/loading.py",
    "endpoint/__main__.py",
    "filter_patterns/selectors.py",
}
OF_BUILTINS = re.compile(r"(dict|list|tuple|str|int|bytes|memoryview|Any|[\[\], ])+").fullmatch


def kind_of(call):
    """The type that a call of msgspec decodes to, None for any other call."""
    name = ast.unparse(call.func)
    said = next((word.value for word in call.keywords if word.arg == "type"), None)
    if name.startswith("msgspec.") and name.endswith(".decode"):
        return said
    if name == "msgspec.convert":
        return said or call.args[1]
    return call.args[0] if name.startswith("msgspec.") and name.endswith("Decoder") else None


def test_every_type_with_structs_is_decoded_to_as_a_whole():
    found = []
    for path in sorted(SOURCES.rglob("*.py")):
        if str(path).endswith((*ALONE, "core/struct_types.py")):
            continue
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        kinds = [ast.unparse(kind) for call in calls if (kind := kind_of(call)) is not None]
        found += [
            f"{path.name}: {kind}"
            for kind in kinds
            if not kind.startswith("whole(") and not OF_BUILTINS(kind)
        ]
    assert found == []
