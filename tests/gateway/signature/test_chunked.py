"""Bodies in chunks: AWS's published example, signed and unsigned trailers, and everything that may be broken."""

import zlib
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import Plain

from coldframe.core.checksums import checksum
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import BodyStream, WireRequest
from coldframe.gateway.signature.chunked import decode_body, decode_stream
from coldframe.gateway.signature.credentials import Verified
from coldframe.gateway.signature.events import EventChain
from coldframe.gateway.signature.keys import sign

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EXAMPLE_DATE = datetime(2013, 5, 24, tzinfo=UTC)
# Amazon S3 API Reference, "Example: PUT object": the seed and the signatures of 64 KiB, 1 KiB and the end.
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
EXAMPLE = (
    (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
)


def verified(payload, signature=SEED):
    return Verified(
        date=EXAMPLE_DATE, region="us-east-1", service="s3", payload=payload, signature=signature, family="s3",
        key=Plain(SECRET),
    )  # fmt: skip


def request(body, **headers):
    return WireRequest(
        "PUT", "/b/k", "", {name.replace("_", "-"): value for name, value in headers.items()}, body
    )


def example_body(chunks=EXAMPLE):
    return b"".join(
        b"%x;chunk-signature=%s\r\n%s\r\n" % (size, sig.encode(), b"a" * size) for size, sig in chunks
    )


def signed_body(data, trailers=None, *, size=8192):
    """A body in signed chunks, made here from the specification."""
    key = Plain(SECRET).signing_key("20130524", "us-east-1", "s3")
    above = "20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
    previous, out = SEED, b""
    for at in [*range(0, len(data), size), len(data)]:
        chunk = data[at : at + size]
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{above}{previous}\n{sha256().hexdigest()}\n{sha256(chunk).hexdigest()}"
        previous = sign(key, text)
        out += b"%x;chunk-signature=%s\r\n" % (len(chunk), previous.encode()) + (
            chunk + b"\r\n" if chunk else b""
        )
    if trailers is not None:
        lines = "".join(f"{name}:{value}\n" for name, value in trailers.items())
        text = f"AWS4-HMAC-SHA256-TRAILER\n{above}{previous}\n{sha256(lines.encode()).hexdigest()}"
        out += (
            lines.replace("\n", "\r\n").encode() + f"x-amz-trailer-signature:{sign(key, text)}\r\n".encode()
        )
    return out + b"\r\n"


def refused(payload, body, **headers):
    with pytest.raises(ServiceFault) as caught:
        decode_body(verified(payload), request(body, **headers))
    return caught.value.code


SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def test_the_published_example():
    got = decode_body(verified(SIGNED), request(example_body(), x_amz_decoded_content_length="66560"))
    assert got.body == b"a" * 66560
    assert got.trailers == {}


@pytest.mark.parametrize("at", [70, 100, 65000, 65700, 66000, -4])
def test_a_tampered_byte(at):
    body = bytearray(example_body())
    body[at] ^= 1
    assert refused(SIGNED, bytes(body)) in {"SignatureDoesNotMatch", "IncompleteBody"}


def test_chunks_swapped_repeated_or_left_out():
    first, second, end = EXAMPLE
    for chunks in [(second, first, end), (first, first, second, end), (first, end), (end,), (second, end)]:
        assert refused(SIGNED, example_body(chunks)) == "SignatureDoesNotMatch"


def test_the_end_missing():
    assert refused(SIGNED, example_body(EXAMPLE[:2])) == "IncompleteBody"


def test_decoded_length_differs():
    assert refused(SIGNED, example_body(), x_amz_decoded_content_length="66561") == "IncompleteBody"


def test_small_chunk_in_the_middle():
    assert refused(SIGNED, signed_body(b"x" * 300, size=100)) == "InvalidChunkSizeError"


def test_signed_trailer():
    data = b"z" * 20000
    trailers = {"x-amz-checksum-crc32": b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()}
    payload = SIGNED + "-TRAILER"
    got = decode_body(
        verified(payload), request(signed_body(data, trailers), x_amz_trailer="x-amz-checksum-crc32")
    )
    assert got.body == data
    assert got.trailers == trailers
    body = signed_body(data, trailers)
    changed = body[:-10] + (b"0" if body[-10:-9] != b"0" else b"1") + body[-9:]
    assert refused(payload, changed, x_amz_trailer="x-amz-checksum-crc32") == "SignatureDoesNotMatch"
    assert (
        refused(payload, signed_body(data), x_amz_trailer="x-amz-checksum-crc32") == "MalformedTrailerError"
    )


def streamed(payload, body, cut=7, **headers):
    pieces = (body[at : at + cut] for at in range(0, len(body), cut))
    stream = decode_stream(verified(payload), request(b"", **headers), BodyStream(pieces))
    return b"".join(stream.chunks), stream


@pytest.mark.parametrize("cut", [1, 7, 100, 8192, 10**6])
def test_a_stream_gives_what_the_whole_body_gives(cut):
    data = b"z" * 20000
    trailers = {"x-amz-checksum-crc32": b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()}
    body = signed_body(data, trailers)
    got, stream = streamed(SIGNED + "-TRAILER", body, cut, x_amz_trailer="x-amz-checksum-crc32")
    assert got == data
    assert stream.announced == ("x-amz-checksum-crc32",)
    assert stream.trailers == trailers
    for at in range(90, len(body) - 8, 997):
        changed = bytearray(body)
        changed[at] ^= 1
        with pytest.raises(ServiceFault):
            streamed(SIGNED + "-TRAILER", bytes(changed), cut, x_amz_trailer="x-amz-checksum-crc32")
    with pytest.raises(ServiceFault, match="IncompleteBody"):
        streamed(SIGNED + "-TRAILER", body[:9000], cut, x_amz_trailer="x-amz-checksum-crc32")
    with pytest.raises(ServiceFault, match="IncompleteBody"):
        streamed(SIGNED, signed_body(data), cut, x_amz_decoded_content_length="19999")


def test_a_stream_is_held_against_the_hash_that_was_signed():
    assert streamed(sha256(b"body").hexdigest(), b"body")[0] == b"body"
    with pytest.raises(ServiceFault, match="XAmzContentSHA256Mismatch"):
        streamed(sha256(b"body").hexdigest(), b"bodY")


UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.mark.parametrize(("name", "value"), [
    # The check values of "123456789" in the catalogues of these algorithms.
    ("x-amz-checksum-crc32", bytes.fromhex("cbf43926")),
    ("x-amz-checksum-crc32c", bytes.fromhex("e3069283")),
    ("x-amz-checksum-crc64nvme", bytes.fromhex("ae8b14860a799888")),
    ("x-amz-checksum-sha1", bytes.fromhex("f7c3bc1d808e04732adf679965ccc34ca7ae3441")),
    ("x-amz-checksum-sha256", sha256(b"123456789").digest()),
])  # fmt: skip
def test_unsigned_trailer(name, value):
    good = b64encode(value).decode()
    assert checksum(name, b"123456789") == good
    body = f"9\r\n123456789\r\n0\r\n{name}:{good}\r\n\r\n".encode()
    got = decode_body(verified(UNSIGNED), request(body, x_amz_trailer=name))
    assert got.body == b"123456789"
    assert got.trailers == {name: good}
    assert refused(UNSIGNED, body.replace(b"9\r\n1", b"9\r\n2", 1), x_amz_trailer=name) == "BadDigest"
    assert refused(UNSIGNED, body) == "MalformedTrailerError"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"5\r\nabc",
        b"zz\r\n",
        b"-1\r\n",
        b"5\r\nabcdeXX0\r\n\r\n",
        b"f" * 40,
        b"ffffffffffffffff\r\na\r\n",
    ],
)
def test_broken_framing(body):
    assert refused(UNSIGNED, body) == "IncompleteBody"


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"5", b"0", b"\r\n", b"abcde", b";chunk-signature=", b":", b"a" * 64])).map(
        b"".join
    )
)
def test_any_body_is_decoded_or_refused(body):
    for payload in (SIGNED, UNSIGNED):
        try:
            decode_body(verified(payload), request(body))
        except ServiceFault as fault:
            assert fault.status in {400, 403}


def test_a_body_that_is_not_chunked_stays():
    assert decode_body(verified("UNSIGNED-PAYLOAD"), request(b"5\r\nabcde")).body == b"5\r\nabcde"


def test_event_frames_in_their_order():
    chain = EventChain(verified("STREAMING-AWS4-HMAC-SHA256-EVENTS"))
    key = Plain(SECRET).signing_key("20130524", "us-east-1", "s3")
    previous = SEED
    at = int(EXAMPLE_DATE.timestamp()) * 1000
    frames = []
    for payload in (b"one", b"two", b""):
        header = b"\x05:date\x08" + at.to_bytes(8, "big")
        text = "\n".join((
            "AWS4-HMAC-SHA256-PAYLOAD", "20130524T000000Z", "20130524/us-east-1/s3/aws4_request", previous,
            sha256(header).hexdigest(), sha256(payload).hexdigest(),
        ))  # fmt: skip
        previous = sign(key, text)
        frames.append((at, bytes.fromhex(previous), payload))
    for frame in frames:
        chain.check(*frame)
    for wrong in [frames[1], (at + 1, *frames[0][1:]), (*frames[0][:2], b"eno"), (2**62, b"", b"")]:
        with pytest.raises(ServiceFault, match="SignatureDoesNotMatch"):
            EventChain(verified("STREAMING-AWS4-HMAC-SHA256-EVENTS")).check(*wrong)
