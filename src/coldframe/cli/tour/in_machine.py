"""Running this command in a QEMU machine with a Debian kernel, for what the kernel here cannot do."""

import contextlib
import os
import sys
from pathlib import Path

from coldframe.core import process
from coldframe.core.config import default_cache_dir

SERIES = "6.12"
# On a machine that is busy with other things, every instruction takes its time.
_SECONDS = 900


def run(words: list[str]) -> int:
    """Run `coldframe WORDS` in the machine, show what it prints, and return its exit code."""
    from coldframe.engines import machine

    program = Path(sys.executable).with_name("coldframe")
    try:
        kernel = machine.fetch(SERIES, default_cache_dir())
        print(
            f"In a QEMU machine with Linux {kernel.release}; every instruction is emulated, so times are longer.\n"
        )
        command = [str(program), *words]
        # Without an sshd the tour leaves its part with ssh out, and says so.
        with contextlib.suppress(process.ProgramFailed, process.ProgramMissing):
            command = machine.with_ssh_server(command, machine.ssh_server_files(default_cache_dir()))
        environment = {"PYTHONDONTWRITEBYTECODE": "1"}
        # The machine's console is a terminal, whatever this output is.
        if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
            environment["NO_COLOR"] = "1"
        errand = machine.Errand(command, Path("/"), environment, _SECONDS)
        return machine.run(kernel, errand, lambda line: print(line, flush=True)).code
    except machine.MachineFailed as problem:
        print(f"coldframe: {problem}", file=sys.stderr)
        return 1
