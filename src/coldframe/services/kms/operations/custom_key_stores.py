"""Custom key stores, of which this installation has none."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault


def describe_custom_key_stores(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no key store: there are none; raises CustomKeyStoreNotFoundException for one that is named."""
    wanted = request.get("CustomKeyStoreId") or request.get("CustomKeyStoreName")
    if wanted:
        raise ServiceFault("CustomKeyStoreNotFoundException", f"The custom key store {wanted} was not found.")
    return {"CustomKeyStores": [], "Truncated": False}
