"""A test recipe: Debian's OpenSSH with a change of our own, so that it signs with a private key that the kernel has.

It is built for tests/kernel alone and never shipped: what the pseudo-private-key file is for can only be seen with it.
The change (keyring.patch) reads such a file and has the kernel sign; unchanged programs use the agent instead.
"""
