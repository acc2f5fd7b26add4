"""The verifiers and exchanges of SCRAM-SHA-256 agree with those of a real database."""

import base64
import hashlib
import hmac

import pytest

from coldframe.engines.database import Login
from coldframe.engines.postgresql import scram

pytestmark = pytest.mark.xdist_group("postgresql")


def exchange(password: str, known: scram.Verifier) -> bytes:
    """Sign in at our own server's side with a password and return the key that it learned."""
    client, server = scram.Client(scram.client_key(password, known)), scram.Server(known)
    _, key = server.final(client.final(server.first(client.first())))
    return key


def test_a_server_learns_the_key_of_who_knows_the_password_and_of_nobody_else():
    known = scram.parse(scram.verifier("sesame"))
    key = exchange("sesame", known)
    assert key == scram.client_key("sesame", known)
    with pytest.raises(scram.SignInFailed):
        exchange("Sesame", known)


@pytest.mark.parametrize(
    "message", [b"", b"n,,", b"n,,n=,r=", b"p=tls-unique,,n=,r=abc", b"x" * 100, b"n,,n=,r=abc,,,,=="]
)
def test_a_message_that_is_none_is_refused(message):
    known = scram.parse(scram.verifier("sesame"))
    with pytest.raises(scram.SignInFailed):
        server = scram.Server(known)
        server.first(message)
        server.final(message + b",p=AAAA")


def test_what_is_said_about_an_unknown_user_is_always_the_same():
    first, second, other = (scram.nobody(name, b"secret") for name in ("ann", "ann", "bob"))
    assert (first.salt, first.iterations) == (second.salt, second.iterations)
    assert first.salt != other.salt


@pytest.mark.parametrize(
    "password", ["plain", "it's \\ odd", "pässwörd", "\u2168 ﬁve", "a\u00adb", "\u0007 bell"]
)
def test_a_real_client_signs_in_with_a_password_whose_verifier_is_ours(instances, password):
    spec = instances.spec("passwords")
    if instances.engine.status(spec).state == "absent":
        instances.engine.create(spec, Login("master", "first"), "app")
    instances.engine.start(spec)
    instances.engine.set_password(spec, Login("master", password))
    assert instances.rows(spec, "SELECT 1", login=Login("master", password)) == [(1,)]


def bound(header: bytes, data: bytes, *, mechanism: bytes, offered: bytes | None) -> bytes:
    """Sign in as a client that binds its proof, or says that it does not; returns the key that the server learned."""
    known = scram.parse(scram.verifier("sesame"))
    server = scram.Server(known, offered)
    answer = server.first(header + b"n=,r=abc", mechanism)
    nonce = answer.split(b",")[0]
    bare = b"c=" + base64.b64encode(header + data) + b"," + nonce
    key = scram.client_key("sesame", known)
    signature = hmac.digest(hashlib.sha256(key).digest(), b",".join((b"n=,r=abc", answer, bare)), "sha256")
    proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
    assert server.final(bare + b",p=" + base64.b64encode(proof))[1] == key
    return key


def test_a_bound_proof_holds_for_one_certificate_and_cannot_be_talked_out_of_it():
    ours = b"digest of the certificate"
    binds, plus, plain = b"p=tls-server-end-point,,", scram.BOUND, scram.MECHANISM
    assert bound(binds, ours, mechanism=plus, offered=ours)
    assert bound(b"n,,", b"", mechanism=plain, offered=ours)
    assert bound(b"y,,", b"", mechanism=plain, offered=None)
    for header, data, mechanism, offered in (
        (binds, b"digest of another's", plus, ours),
        # Somebody on the way took the offer out.
        (b"y,,", b"", plain, ours),
        (binds, ours, plain, ours),
        (b"n,,", b"", plus, ours),
        (b"p=tls-unique,,", ours, plus, ours),
    ):
        with pytest.raises(scram.SignInFailed):
            bound(header, data, mechanism=mechanism, offered=offered)
