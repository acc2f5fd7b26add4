"""A small statistical recogniser of person names and postal addresses in log text.

Real: full names in Latin script (given and family name) and one-line or two-line postal addresses of the US, GB, DE,
FR, ES, IT, CA, AU and BR. Not here: single given names, other scripts, addresses spread over several JSON fields.
How good it is, and how to train it again: docs/services/logs-recognizer.md.
"""

from coldframe.engines.detector.recognizer.found import ADDRESS, KINDS, NAME, Found
from coldframe.engines.detector.recognizer.recognizer import Recognizer

__all__ = ["ADDRESS", "KINDS", "NAME", "Found", "Recognizer"]
