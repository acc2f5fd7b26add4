"""What can go wrong with the machine itself; what the command in it does is its exit code."""


class MachineFailed(Exception):
    """The machine did not start, or did not end in time; the text has its last words."""


class KernelMissing(MachineFailed):
    """No kernel of the series is to be had; the text says from where it was wanted."""
