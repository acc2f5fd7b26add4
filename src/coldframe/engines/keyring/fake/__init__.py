"""A fake of the kernel's key retention service, for tests: it keeps keys in user memory and protects nothing.

It answers with the kernel's own errnos; one contract test suite runs on it and on real kernels
(tests/kernel/test_contract.py), so that what is tested with the fake holds for the kernel.
"""

from coldframe.engines.keyring.fake.process import FakeKernel, FakeProcess

__all__ = ["FakeKernel", "FakeProcess"]
