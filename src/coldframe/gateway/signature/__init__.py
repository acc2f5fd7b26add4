"""Signature Version 4 as the server sees it: who signed a request, and whether it is whole and timely.

`verify` takes a request as it was sent and answers with a `Verified`, or raises the fault that AWS raises.
"""

from coldframe.gateway.signature.credentials import Expectation, Family, FindSecret, Secret, Verified
from coldframe.gateway.signature.verify import verify

__all__ = ["Expectation", "Family", "FindSecret", "Secret", "Verified", "verify"]
