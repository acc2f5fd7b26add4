"""`coldframe keys agent`: an ssh-agent whose private keys live in the kernel."""

import argparse
import os
import shlex
from pathlib import Path


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "-a", "--address", type=Path, metavar="SOCKET", help="where to listen (default: in $XDG_RUNTIME_DIR)"
    )
    parser.add_argument("-D", "--foreground", action="store_true", help="stay on this terminal until Ctrl-C")
    parser.add_argument("-c", dest="csh", action="store_true", help="print lines for csh")
    parser.add_argument("-s", dest="sh", action="store_true", help="print lines for sh (the default)")
    parser.add_argument("-k", "--kill", action="store_true", help="end the agent that $SSH_AGENT_PID names")
    parser.add_argument(
        "program",
        nargs=argparse.REMAINDER,
        metavar="COMMAND",
        help="run this with the agent, which ends with it",
    )


def run(chosen: argparse.Namespace) -> int:
    """Start the agent beside this shell and print how to reach it, or serve on this terminal."""
    from coldframe.keys.agent import running

    if chosen.kill:
        pid = running.end(os.environ.get("SSH_AGENT_PID", ""))
        print("\n".join(_unset(chosen.csh, pid)))
        return 0
    path = chosen.address or running.default_path()
    words = chosen.program[1:] if chosen.program[:1] == ["--"] else chosen.program
    if words:
        return running.with_program(path, words)
    if chosen.foreground:
        # Said once somebody listens there, so that who starts an agent can wait for the line.
        return running.serve(path, lambda: print(f"SSH_AUTH_SOCK={shlex.quote(str(path))}", flush=True))
    pid = running.start(path)
    print("\n".join(_lines(chosen.csh, path, pid)))
    return 0


def _lines(csh: bool, path: Path, pid: int) -> list[str]:
    where = shlex.quote(str(path))
    if csh:
        return [f"setenv SSH_AUTH_SOCK {where};", f"setenv SSH_AGENT_PID {pid};", f"echo Agent pid {pid};"]
    return [
        f"SSH_AUTH_SOCK={where}; export SSH_AUTH_SOCK;",
        f"SSH_AGENT_PID={pid}; export SSH_AGENT_PID;",
        f"echo Agent pid {pid};",
    ]


def _unset(csh: bool, pid: int) -> list[str]:
    word = "unsetenv" if csh else "unset"
    return [f"{word} SSH_AUTH_SOCK;", f"{word} SSH_AGENT_PID;", f"echo Agent pid {pid} killed;"]
