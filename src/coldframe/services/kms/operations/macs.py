"""GenerateMac and VerifyMac."""

import hmac
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.kms.using import Use, begin, check_algorithm, end


def generate_mac(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the HMAC of a message."""
    use = _begin(call, request)
    return {"Mac": _mac(use, request), "MacAlgorithm": request["MacAlgorithm"], "KeyId": use.place.arn}


def verify_mac(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Tell that an HMAC fits a message; one that does not is a fault, which AWS gives no message."""
    use = _begin(call, request)
    if not hmac.compare_digest(_mac(use, request), request["Mac"]):
        raise ServiceFault("KMSInvalidMacException", "")
    return {"KeyId": use.place.arn, "MacValid": True, "MacAlgorithm": request["MacAlgorithm"]}


def _begin(call: Call, request: dict[str, Any]) -> Use:
    use = begin(call, request, "GENERATE_VERIFY_MAC")
    check_algorithm(use, request["MacAlgorithm"])
    end(use, request)
    return use


def _mac(use: Use, request: dict[str, Any]) -> bytes:
    hash_name = "sha" + request["MacAlgorithm"].rpartition("_")[2]
    return hmac.digest(use.secret(), request["Message"], hash_name)
