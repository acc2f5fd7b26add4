"""`coldframe tour [STOP]`: the stories the project exists for, told by doing them."""

import argparse
import sys
from importlib import import_module

from coldframe.cli.data_option import data_option
from coldframe.server.files import NotSetUp

STOPS = {
    3: "The Linux kernel key retention service: a private key that no process has",
    5: "RDS Optimized Reads and Writes: temporary tables on local storage, pages written once",
    7: "CloudWatch Logs data protection: logs that mask themselves",
    13: "RDS Blue/Green Deployments: a database that is upgraded while it is written to",
}


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "stop", nargs="?", type=int, help="the row of the story (see --list); all when left out"
    )
    parser.add_argument("--list", action="store_true", help="list the stops")
    parser.add_argument("--keep", action="store_true", help="leave what the tour made, to look around in it")
    parser.add_argument(
        "--machine", action="store_true", help="stop 3: walk it in a QEMU machine with a Debian kernel"
    )
    data_option(parser, "the server's data directory (default: %(default)s)")


def run(chosen: argparse.Namespace) -> int:
    """Walk one stop, or all; returns 1 when a step did not do what its story says."""
    if chosen.list:
        for number, title in STOPS.items():
            print(f"{number:>3}  {title}")
        return 0
    if chosen.stop is not None and chosen.stop not in STOPS:
        print(f"coldframe: there is no stop {chosen.stop}; see: coldframe tour --list", file=sys.stderr)
        return 2
    from coldframe.cli.tour.guide import Guide, NotHere, StoryBroken

    if chosen.machine:
        if chosen.stop != 3:
            print(
                "coldframe: only stop 3 runs in a machine of its own: coldframe tour 3 --machine",
                file=sys.stderr,
            )
            return 2
        from coldframe.cli.tour import in_machine

        return in_machine.run(["tour", "3"])
    code = 0
    for number in [chosen.stop] if chosen.stop is not None else list(STOPS):
        guide = Guide(chosen.data, keep=chosen.keep)
        guide.title(f"Stop {number}: {STOPS[number]}")
        try:
            import_module(f"coldframe.cli.tour.stop_{number:02}").walk(guide)
        except NotHere as reason:
            print(f"\n{reason}", file=sys.stderr)
            # On the way through all stops, one that is not for this machine is passed by.
            code = 1 if chosen.stop is not None else code
        except StoryBroken as broken:
            print(f"\nThe story broke here: {broken}", file=sys.stderr)
            return 1
        except guide.unreachable as problem:
            raise NotSetUp(
                f"no server answers on {guide.endpoint}; start one: coldframe up ({problem})"
            ) from problem
        finally:
            guide.leave()
    return code
