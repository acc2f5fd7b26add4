"""The kernel's keyrings that the server reaches, and what protects each key in them."""

from coldframe.console.routes import Route
from coldframe.console.visit import Visit
from coldframe.core.wire import WireResponse
from coldframe.engines.keyring import Kernel, KeyringError
from coldframe.keys.protection import Protection
from coldframe.keys.rings import Keyring
from coldframe.keys.tree import Node, walk

SHOW = "coldframe:ShowKeyrings"
_TONES = {Protection.KERNEL_OPERATION: "good", Protection.KERNEL_STORED: "busy", Protection.UNKNOWN: "bad"}


def show(visit: Visit) -> WireResponse:
    """Show the tree of the server's session keyring; names and protections, never a payload."""
    visit.require(SHOW)
    nodes: list[Node] = []
    refusal = ""
    try:
        nodes = list(walk(Keyring(service=Kernel())))
    except (KeyringError, OSError) as problem:
        refusal = str(problem)
    return visit.page("keyrings.html", nodes=nodes, tones=_TONES, keyring=Protection.KEYRING, refusal=refusal)


ROUTES = (Route("GET", "/console/keyrings", show),)
