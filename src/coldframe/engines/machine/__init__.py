"""A small QEMU machine with a Debian kernel of its own over this machine's files, in which one command runs.

What needs another kernel than the one that is here, or must not touch it, runs there: the files of this machine are
seen at the same paths, changes stay in the machine's memory, and the exit code comes back.
"""

from coldframe.engines.machine.errors import KernelMissing, MachineFailed
from coldframe.engines.machine.kernels import SERIES, DebianKernel, fetch
from coldframe.engines.machine.machine import Ended, Errand, missing, run
from coldframe.engines.machine.ssh_server import files as ssh_server_files
from coldframe.engines.machine.ssh_server import with_ssh_server

__all__ = [
    "SERIES",
    "DebianKernel",
    "Ended",
    "Errand",
    "KernelMissing",
    "MachineFailed",
    "fetch",
    "missing",
    "run",
    "ssh_server_files",
    "with_ssh_server",
]
