"""Event streams: botocore reads the frames we write, and the decoder takes no broken frame."""

import binascii
import struct
from datetime import UTC, datetime

import pytest
from botocore.awsrequest import HeadersDict
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import EventStreamError
from botocore.parsers import create_parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coldframe.core.faults import ServiceFault
from coldframe.gateway.protocols import protocol_of
from coldframe.gateway.protocols.event_stream import MAX_FRAME, FrameDecoder, encode_frame
from tests.gateway.protocols.models import service

HEADERS = {
    ":message-type": "event",
    "yes": True,
    "no": False,
    "small": 5,
    "big": 2**40,
    "raw": b"\x00\xff",
    "when": datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
}


class Streamed:
    """Gives botocore the frames as its HTTP library would."""

    def __init__(self, frames):
        self.frames = frames

    def stream(self):
        return self.frames

    def close(self):
        pass


def read_by_botocore(name, operation_name, wire, response):
    operation = service(name).operation_model(operation_name)
    raw = {
        "status_code": response.status,
        "headers": HeadersDict(response.headers),
        "body": Streamed(response.body),
        "context": {"operation_name": operation_name},
    }
    return create_parser(wire).parse(raw, operation.output_shape)


def live_tail(events):
    model = service("logs")
    operation = model.operation_model("StartLiveTail")
    return protocol_of(model, "json").answer(operation, {"responseStream": events}, "id")


START = {"sessionStart": {"requestId": "r", "sessionId": "s", "logGroupIdentifiers": ["g"]}}
UPDATE = {
    "sessionUpdate": {
        "sessionMetadata": {"sampled": False},
        "sessionResults": [{"message": "été", "timestamp": 1}],
    }
}


def test_live_tail_starts_with_an_initial_response_and_streams_its_events():
    response = live_tail(iter([START, UPDATE]))
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    got = read_by_botocore("logs", "StartLiveTail", "json", response)
    assert list(got["responseStream"]) == [START, UPDATE]


def test_an_event_is_written_when_it_comes_not_before():
    asked = []

    def events():
        for event in (START, UPDATE):
            asked.append(event)
            yield event

    body = live_tail(events()).body
    next(body)
    assert asked == []
    next(body)
    assert asked == [START]


def test_a_fault_between_events_becomes_an_exception_frame():
    def events():
        yield START
        raise ServiceFault("SessionTimeoutException", "The session is over.")

    got = read_by_botocore("logs", "StartLiveTail", "json", live_tail(events()))
    stream = iter(got["responseStream"])
    assert next(stream) == START
    with pytest.raises(EventStreamError) as caught:
        next(stream)
    assert caught.value.response["Error"]["Code"] == "SessionTimeoutException"
    assert caught.value.response["Error"]["Message"] == "The session is over."


def test_a_fault_that_the_stream_does_not_model_becomes_an_error_frame():
    def events():
        yield START
        raise ServiceFault("ThrottlingException", "Slow down.")

    stream = iter(read_by_botocore("logs", "StartLiveTail", "json", live_tail(events()))["responseStream"])
    next(stream)
    with pytest.raises(EventStreamError) as caught:
        next(stream)
    assert caught.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Slow down."}


def test_an_accident_says_nothing_of_itself_on_the_wire_and_is_raised_here():
    def events():
        yield START
        raise KeyError("inner detail")

    frames = []
    with pytest.raises(KeyError):
        frames.extend(live_tail(events()).body)
    body = live_tail(events()).body
    collected = b""
    with pytest.raises(KeyError):
        for frame in body:
            collected += frame
    assert b"InternalFailure" in collected
    assert b"inner detail" not in collected


def test_rest_json_payload_events():
    model = service("lambda")
    operation = model.operation_model("InvokeWithResponseStream")
    result = {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "EventStream": iter(
            [{"PayloadChunk": {"Payload": b"\x00abc"}}, {"InvokeComplete": {"ErrorCode": "E"}}]
        ),
    }
    response = protocol_of(model, "rest-json").answer(operation, result, "id")
    got = read_by_botocore("lambda", "InvokeWithResponseStream", "rest-json", response)
    assert got["ExecutedVersion"] == "$LATEST"
    assert list(got["EventStream"]) == [
        {"PayloadChunk": {"Payload": b"\x00abc"}},
        {"InvokeComplete": {"ErrorCode": "E"}},
    ]


def test_rest_xml_events():
    model = service("s3")
    operation = model.operation_model("SelectObjectContent")
    events = [
        {"Records": {"Payload": b"a,b\n"}},
        {"Stats": {"Details": {"BytesScanned": 1, "BytesProcessed": 2, "BytesReturned": 3}}},
        {"End": {}},
    ]
    response = protocol_of(model, "rest-xml").answer(operation, {"Payload": iter(events)}, "id")
    assert list(read_by_botocore("s3", "SelectObjectContent", "rest-xml", response)["Payload"]) == events


def test_frames_as_botocore_reads_them():
    buffer = EventStreamBuffer()
    buffer.add_data(encode_frame(HEADERS, b"payload"))
    message = next(iter(buffer))
    assert message.payload == b"payload"
    assert message.headers == {**HEADERS, "when": round(HEADERS["when"].timestamp() * 1000)}


def test_the_decoder_takes_frames_in_any_pieces():
    data = encode_frame(HEADERS, b"one") + encode_frame({}, b"") + encode_frame({"a": "b"}, b"three")
    for size in (1, 7, len(data)):
        decoder = FrameDecoder()
        got = [frame for at in range(0, len(data), size) for frame in decoder.feed(data[at : at + size])]
        assert got == [(HEADERS, b"one"), ({}, b""), ({"a": "b"}, b"three")]


def framed(total, head, rest=b""):
    prelude = struct.pack(">II", total, head)
    start = prelude + struct.pack(">I", binascii.crc32(prelude)) + rest
    return start + struct.pack(">I", binascii.crc32(start))


@pytest.mark.parametrize(
    "data",
    [
        framed(MAX_FRAME + 1, 0),
        framed(4, 0),
        framed(20, 100),
        framed(2**32 - 1, 2**32 - 1),
        framed(18, 2, b"\x05a"),
        framed(20, 4, b"\x01a\x63\x00"),
        framed(21, 5, b"\x01a\x07\xff\xff"),
        framed(20, 4, b"\x01\xff\x00\x00"),
        encode_frame({"a": "b"}, b"x")[:-1] + b"\x00",
        b"\x01" + encode_frame({"a": "b"}, b"x")[1:],
    ],
)
def test_broken_frames_are_refused(data):
    with pytest.raises(ServiceFault) as caught:
        list(FrameDecoder().feed(data))
    assert (caught.value.code, caught.value.status) == ("SerializationException", 400)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(at=st.integers(0, 80), piece=st.binary(min_size=1, max_size=6), fix=st.booleans())
def test_any_damage_is_refused_or_waits_for_more(at, piece, fix):
    data = bytearray(encode_frame(HEADERS, b"payload"))
    data[at : at + len(piece)] = piece
    if fix:
        data[8:12] = struct.pack(">I", binascii.crc32(bytes(data[:8])))
        data[-4:] = struct.pack(">I", binascii.crc32(bytes(data[:-4])))
    try:
        list(FrameDecoder().feed(bytes(data)))
    except ServiceFault as fault:
        assert fault.code == "SerializationException"
