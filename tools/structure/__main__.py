"""`python -m tools.structure`: run every rule, print what is wrong by rule, and exit 1 if anything is."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.structure import lengths
from tools.structure.rules import RULES, service_pages

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 1 when a rule is broken."""
    parser = argparse.ArgumentParser(prog="python -m tools.structure", description=__doc__)
    parser.add_argument(
        "--write", action="store_true", help="first write the generated parts of docs/services"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to check (default: this one)")
    chosen = parser.parse_args(arguments)
    if chosen.write:
        for page in service_pages.write(chosen.root):
            print(f"wrote {page}")
    print(lengths.report(chosen.root))
    broken = 0
    for title, check in RULES.items():
        problems = check(chosen.root)
        broken += len(problems)
        print(f"{'ok     ' if not problems else 'BROKEN '}{title}")
        for problem in problems:
            print(f"    {problem}")
    print(f"{len(RULES)} rules, {broken} problems")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
