"""Keys that may be used on some ways only: sessions that hosts sign, hops, users, forwardings."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from coldframe.keys.agent import constraints
from coldframe.keys.agent.bindings import Bindings, SessionRefused, user_of
from coldframe.keys.agent.constraints import ConstraintUnknown
from coldframe.keys.agent.messages import Ask, Tell
from coldframe.keys.agent.public_lines import blob_in, blob_of
from coldframe.keys.wire import WireError, string
from tests.keys.agent.conftest import public
from tests.keys.agent.speaking import speaking


class Host:
    """A host with a key."""

    def __init__(self) -> None:
        self._key = ed25519.Ed25519PrivateKey.generate()
        self.blob = blob_of(self._key.public_key())

    def binding(self, session: bytes, *, forwarded: bool = False) -> bytes:
        """What ssh sends once this host has signed a session."""
        signature = string(b"ssh-ed25519") + string(self._key.sign(session))
        return string(self.blob) + string(session) + string(signature) + bytes([forwarded])


def hop(name: str = "", *hosts: Host, user: str = "") -> bytes:
    """One end of a way."""
    keys = b"".join(string(host.blob) + b"\0" for host in hosts)
    return string(user.encode()) + string(name.encode()) + string(b"") + keys


def ways(*pairs: tuple[bytes, bytes]) -> bytes:
    """The constraint that allows these ways."""
    listed = b"".join(string(string(origin) + string(target) + string(b"")) for origin, target in pairs)
    return b"\xff" + string(b"restrict-destination-v00@openssh.com") + string(listed)


def asking(session: bytes, blob: bytes, user: str = "jane", *, host: Host | None = None) -> bytes:
    """What is signed to authenticate a user."""
    method = b"publickey" if host is None else b"publickey-hostbound-v00@openssh.com"
    rest = b"" if host is None else string(host.blob)
    asked = string(session) + b"\x32" + string(user.encode()) + string(b"ssh-connection") + string(method)
    return asked + b"\x01" + string(b"rsa-sha2-512") + string(blob) + rest


@pytest.fixture
def hosts():
    return [Host() for _ in range(3)]


def test_a_session_that_the_host_did_not_sign(hosts):
    bindings = Bindings()
    forged = hosts[0].binding(b"session").replace(b"session", b"another", 1)
    with pytest.raises(SessionRefused):
        bindings.bind(forged)
    allowed = constraints.read(ways((hop(), hop("one", hosts[0])))).destinations
    assert not bindings.permit(allowed, None)
    assert bindings.permit((), None)


def test_one_hop(hosts):
    allowed = constraints.read(ways((hop(), hop("one", hosts[0], user="j*")))).destinations
    here = Bindings()
    assert here.permit(allowed, None)
    here.bind(hosts[0].binding(b"s"))
    assert here.permit(allowed, "jane")
    assert not here.permit(allowed, "root")
    elsewhere = Bindings()
    elsewhere.bind(hosts[1].binding(b"s"))
    assert not elsewhere.permit(allowed, "jane")
    assert not elsewhere.permit(allowed, None)


def test_two_hops_need_both_ways(hosts):
    one, two, three = hosts
    both = constraints.read(ways((hop(), hop("one", one)), (hop("one", one), hop("two", two)))).destinations
    first_only = constraints.read(ways((hop(), hop("one", one)))).destinations
    there = Bindings()
    there.bind(one.binding(b"a", forwarded=True))
    assert there.permit(both, None)
    assert not there.permit(first_only, None)
    assert not there.permit(both, "jane")
    there.bind(two.binding(b"b"))
    assert there.permit(both, "jane")
    assert not there.permit(first_only, "jane")
    with pytest.raises(SessionRefused, match="already"):
        there.bind(three.binding(b"c"))


def test_what_is_signed_is_a_login_over_the_bound_session(hosts):
    bindings = Bindings()
    assert user_of(asking(b"s", b"key"), bindings, b"key") is None
    bindings.bind(hosts[0].binding(b"s"))
    assert user_of(asking(b"s", b"key"), bindings, b"key") == "jane"
    assert user_of(asking(b"s", b"key", host=hosts[0]), bindings, b"key") == "jane"
    assert user_of(asking(b"s", b"key", host=hosts[1]), bindings, b"key") is None
    assert user_of(asking(b"other", b"key"), bindings, b"key") is None
    assert user_of(asking(b"s", b"other key"), bindings, b"key") is None
    assert user_of(b"a file to sign", bindings, b"key") is None


def test_through_the_socket(agent, key_files, hosts, tmp_path):
    known = tmp_path / "known_hosts"
    import base64

    known.write_text(f"one ssh-ed25519 {base64.b64encode(hosts[0].blob).decode()}\n")
    added = agent.ssh_add("-H", known, "-h", "jane@one", key_files["rsa"])
    assert added.returncode == 0, added.stderr
    blob = blob_in(public(key_files["rsa"]).read_bytes())
    with speaking(agent.path) as client:
        assert client.blobs() == [blob]
        assert client.sign(blob, b"anything") is None
        bound = string(b"session-bind@openssh.com") + hosts[0].binding(b"s")
        assert client.say(Ask.EXTENSION, bound)[0] == Tell.SUCCESS
        assert client.sign(blob, b"anything") is None
        assert client.sign(blob, asking(b"s", blob, "root")) is None
        assert client.sign(blob, asking(b"s", blob)) is not None
    with speaking(agent.path) as client:
        bound = string(b"session-bind@openssh.com") + hosts[1].binding(b"s")
        assert client.say(Ask.EXTENSION, bound)[0] == Tell.SUCCESS
        assert client.blobs() == []
        assert client.sign(blob, asking(b"s", blob)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"\x63",
        b"\xff" + string(b"unheard@of"),
        b"\x01\0\0",
        ways((hop(), hop())),
        ways((hop("", user="jane"), hop("one"))),
    ],
)
def test_constraints_that_cannot_be_kept(content):
    with pytest.raises((ConstraintUnknown, WireError)):
        constraints.read(content)
