"""The program `coldframe`: until its commands are loaded, Ctrl-C ends it as it ends other programs, without a word."""

import signal


def main() -> int:
    """Load the command line and run it."""
    before = signal.getsignal(signal.SIGINT)
    # A shell lets what it starts in the background ignore Ctrl-C.
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from coldframe.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    return run()
