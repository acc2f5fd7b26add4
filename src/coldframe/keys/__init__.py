"""Private keys and secrets that live in the Linux kernel: the library behind `coldframe keys`."""
