"""A program of the tour that holds a private key in its own session, says its serial number, and waits to be ended."""

import signal
import sys

from coldframe import keys
from coldframe.keys.rings import start_session


def main() -> None:
    """Load the file that is named into a session of its own."""
    kernel = keys.Kernel()
    start_session(kernel)
    key = keys.load(sys.argv[1], "held", keys.Keyring(service=kernel)).key
    key.sign(b"the holder can sign")
    print(key.serial, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
