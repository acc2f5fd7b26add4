"""`coldframe keys doctor`: what this kernel can do with keys, and the remedy for what it cannot."""

import argparse
import textwrap

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose."""


def run(chosen: argparse.Namespace) -> int:
    """Print what was found; returns 1 when private keys cannot be kept in this kernel."""
    from coldframe.keys import doctor

    findings = doctor.examine(chosen_key.service())
    for finding in findings:
        print(f"{finding.state:<8}  {finding.title}: {finding.found}")
        if finding.remedy:
            print(textwrap.fill(finding.remedy, 110, initial_indent=" " * 10, subsequent_indent=" " * 10))
    return 1 if any(finding.state == doctor.BROKEN for finding in findings) else 0
