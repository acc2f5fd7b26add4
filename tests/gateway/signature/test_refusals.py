"""Everything that is wrong with a signature has AWS's own code, per family of services."""

import re

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import KEY_ID, NOW, check, later, signed, with_token

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest

FAMILIES = ["query", "json", "rest-json", "ec2", "s3"]


def request_of(family, **more):
    if family == "s3":
        return signed(S3SigV4Auth, service="s3", method="PUT", url="http://h/b/k", **more)
    return signed(SigV4Auth, **more)


def refused(request, **more):
    with pytest.raises(ServiceFault) as caught:
        check(request, **more)
    return caught.value


def codes(*each):
    return list(zip(FAMILIES, each, strict=True))


@pytest.mark.parametrize(
    ("family", "code"),
    codes(
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "AccessDenied",
    ),
)
def test_nothing_signed(family, code):
    assert refused(WireRequest("POST", "/", "", {"host": "h"}, b""), family=family).code == code


@pytest.mark.parametrize(
    ("family", "code"),
    codes(
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "UnrecognizedClientException",
        "AuthFailure",
        "InvalidAccessKeyId",
    ),
)
def test_unknown_key(family, code):
    fault = refused(request_of(family, key_id="AKIDOTHER"), family=family)
    assert fault.code == code
    assert fault.status == {"json": 400, "ec2": 401}.get(family, 403)


@pytest.mark.parametrize(
    ("family", "code"),
    codes(
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "InvalidSignatureException",
        "AuthFailure",
        "SignatureDoesNotMatch",
    ),
)
def test_wrong_secret(family, code):
    fault = refused(request_of(family, secret="another"), family=family)
    assert fault.code == code
    assert "wJalr" not in str(fault)


@pytest.mark.parametrize(
    ("family", "code"),
    codes("ExpiredToken", "ExpiredTokenException", "ExpiredTokenException", "RequestExpired", "ExpiredToken"),
)
def test_expired_token(family, code):
    request = request_of(family, token="t")
    check(request, family=family, find=with_token("t", later(seconds=1)))
    assert refused(request, family=family, find=with_token("t", NOW)).code == code


@pytest.mark.parametrize(
    ("family", "code"),
    codes(
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "UnrecognizedClientException",
        "AuthFailure",
        "InvalidToken",
    ),
)
@pytest.mark.parametrize(("sent", "due"), [(None, "t"), ("t", None), ("t", "other")])
def test_wrong_or_missing_or_superfluous_token(family, code, sent, due):
    assert refused(request_of(family, token=sent), family=family, find=with_token(due)).code == code


@pytest.mark.parametrize(
    ("family", "code"),
    codes(
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestTimeTooSkewed",
    ),
)
def test_replayed_too_late_and_too_early(family, code):
    minutes = 15 if family == "s3" else 5
    request = request_of(family)
    for sign in (1, -1):
        check(request, family=family, now=later(seconds=sign * minutes * 60))
        assert refused(request, family=family, now=later(seconds=sign * (minutes * 60 + 1))).code == code


def test_the_words_about_time():
    request = signed()
    assert refused(request, now=later(minutes=20)).message == (
        "Signature expired: 20260304T050607Z is now earlier than 20260304T052107Z (20260304T052607Z - 5 min.)"
    )
    assert refused(request, now=later(minutes=-20)).message == (
        "Signature not yet current: 20260304T050607Z is still later than 20260304T045107Z"
        " (20260304T044607Z + 5 min.)"
    )


def test_the_words_about_an_incomplete_header():
    request = signed()
    request.headers["authorization"] = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e"
    fault = refused(request)
    assert (fault.code, fault.status) == ("IncompleteSignature", 400)
    assert fault.message.startswith(
        "Authorization header requires 'Signature' parameter."
        " Authorization header requires 'SignedHeaders' parameter."
    )
    del request.headers["x-amz-date"]
    assert "existence of either a 'X-Amz-Date' or a 'Date' header" in refused(request).message


def altered(text):
    """Another signature of the same length."""
    return re.sub(r"(Signature=)(.)", lambda m: m[1] + ("0" if m[2] != "0" else "1"), text)


def with_header(request, name, change):
    request.headers[name] = change(request.headers[name])
    return request


TAMPERED = {
    "method": lambda r: setattr(r, "method", "PUT"),
    "path": lambda r: setattr(r, "path", "/x"),
    "query": lambda r: setattr(r, "query", "a=2"),
    "query added": lambda r: setattr(r, "query", "a=1&b"),
    "host": lambda r: with_header(r, "host", lambda v: v + "x"),
    "target": lambda r: with_header(r, "x-amz-target", lambda v: v + "x"),
    "body": lambda r: setattr(r, "body", b"x=2"),
    "signature": lambda r: with_header(r, "authorization", altered),
    "date": lambda r: with_header(r, "x-amz-date", lambda v: v.replace("050607", "050608")),
    "region": lambda r: with_header(r, "authorization", lambda v: v.replace("us-east-1", "us-east-2")),
    "service": lambda r: with_header(r, "authorization", lambda v: v.replace("/sts/", "/iam/")),
    "signed header dropped": lambda r: with_header(
        r, "authorization", lambda v: v.replace(";x-amz-target", "")
    ),
    "signed header absent": lambda r: r.headers.pop("x-amz-target"),
}


@pytest.mark.parametrize("part", TAMPERED)
def test_a_tampered_part(part):
    request = signed(url="http://h/?a=1", headers={"X-Amz-Target": "T.Op"}, body=b"x=1")
    check(request)
    TAMPERED[part](request)
    assert refused(request).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("name", ["Credential", "Date", "Expires", "SignedHeaders", "Signature", "Algorithm"])
@pytest.mark.parametrize(("signer", "family"), [(SigV4QueryAuth, "query"), (S3SigV4QueryAuth, "s3")])
def test_a_presigned_parameter_left_out_or_changed(signer, family, name):
    request = signed(signer, service="s3", method="GET", expires=60)
    query = request.query
    request.query = re.sub(rf"X-Amz-{name}=[^&]*&?", "", query)
    fault = refused(request, family=family)
    if family == "s3":
        assert fault.code == "AuthorizationQueryParametersError"
    else:
        assert fault.code == ("SignatureDoesNotMatch" if name == "Expires" else "IncompleteSignature")
    request.query = re.sub(
        rf"(X-Amz-{name}=[^&]*?)(\w)(?=&|$)", lambda m: m[1] + ("a" if m[2] != "a" else "b"), query
    )
    refused(request, family=family)


@pytest.mark.parametrize("expires", ["604801", "-1", "0", "abc", "9" * 30, "1e3", "²"])
def test_presigned_expires_out_of_range(expires):
    request = signed(S3SigV4QueryAuth, service="s3", method="GET", expires=60)
    request.query = request.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}")
    fault = refused(request, family="s3")
    assert (fault.code, fault.status) == ("AuthorizationQueryParametersError", 400)


def test_presigned_expired_on_s3_is_access_denied():
    request = signed(S3SigV4QueryAuth, service="s3", method="GET", expires=60)
    fault = refused(request, family="s3", now=later(seconds=61))
    assert (fault.code, fault.message, fault.status) == ("AccessDenied", "Request has expired", 403)


@pytest.mark.parametrize(("change", "message"), [
    (("aws4_request", "aws5_request"), "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."),
    (("/20260304/", "/20260303/"), "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260303' != '20260304', from '20260304T050607Z'."),
    (("us-east-1", "mars-1"), "Credential should be scoped to a valid region. "),
    (("/sts/", "/iam/"), "Credential should be scoped to correct service: 'sts'. "),
    (("host;", ""), "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
])  # fmt: skip
def test_scope(change, message):
    request = signed(headers={"X-Amz-Target": "a"})
    request.headers["authorization"] = request.headers["authorization"].replace(*change)
    fault = refused(request, family="json", regions=frozenset({"us-east-1"}), services=frozenset({"sts"}))
    assert (fault.code, fault.message) == ("InvalidSignatureException", message)


def test_s3_names_the_region_it_expects():
    fault = refused(request_of("s3", region="eu-west-1"), family="s3", regions=frozenset({"us-east-1"}))
    assert (fault.code, fault.members) == ("AuthorizationHeaderMalformed", {"Region": "us-east-1"})


def test_s3_header_that_is_not_signed():
    request = request_of("s3")
    request.headers["x-amz-acl"] = "public-read"
    fault = refused(request, family="s3")
    assert fault.members["HeadersNotSigned"] == "x-amz-acl"


@pytest.mark.parametrize(
    ("family", "code"),
    codes(
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "InvalidSignatureException",
        "AuthFailure",
        "XAmzContentSHA256Mismatch",
    ),
)
def test_body_other_than_its_stated_hash(family, code):
    request = signed(S3SigV4Auth, service="s3", body=b"one")
    check(request, family=family)
    request.body = b"two"
    assert refused(request, family=family).code == code


def test_s3_wants_the_hash_of_the_body():
    assert refused(signed(service="s3"), family="s3").message.startswith("Missing required header")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("AWS AKID:sig", "InvalidAccessKeyId"),
        ("AWS AKID", "InvalidArgument"),
        ("Basic eDp5", "InvalidArgument"),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", "InvalidArgument"),
    ],
)
def test_s3_other_authorization(value, code):
    request = request_of("s3")
    request.headers["authorization"] = value
    assert refused(request, family="s3").code == code


def test_header_and_query_both():
    request = request_of("s3")
    request.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256"
    assert refused(request, family="s3").message == "Only one auth mechanism allowed"


@pytest.mark.parametrize(
    "date", ["", "yesterday", "20260230T050607Z", "2026-03-04T05:06:07Z", "99999999T999999Z"]
)
def test_a_date_that_is_none(date):
    request = signed()
    request.headers["x-amz-date"] = date
    assert refused(request).code == "IncompleteSignature"


def test_a_very_long_region_is_not_made_a_key_of():
    request = signed(region="r" * 65)
    assert refused(request).message == "Credential should be scoped to a valid region. "


PIECES = st.lists(
    st.sampled_from([
        "AWS4-HMAC-SHA256", "Credential", "SignedHeaders", "Signature", "=", ",", " ", "/", ";", "host", KEY_ID,
        "20260304", "us-east-1", "sts", "aws4_request", "0" * 64, "\x00", "é", "%", "&", "X-Amz-", "AWS", "a:b", "²",
    ]) | st.text(max_size=5),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(PIECES, st.sampled_from(FAMILIES), st.text(max_size=20) | st.just("20260304T050607Z"))
def test_any_authorization_header_is_refused_as_a_fault(text, family, date):
    request = WireRequest("POST", "/", "", {"host": "h", "authorization": text, "x-amz-date": date}, b"")
    refused(request, family=family)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "AWSAccessKeyId", "Signature", "Expires", "X-Amz-Security-Token"]), st.sampled_from(["AWS4-HMAC-SHA256", f"{KEY_ID}/20260304/us-east-1/sts/aws4_request", KEY_ID, "20260304T050607Z", "60", "host", "1772600000"]) | st.text(max_size=9)), st.sampled_from(FAMILIES))  # fmt: skip
def test_any_query_is_refused_as_a_fault(parameters, family):
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    refused(WireRequest("GET", "/", query, {"host": "h"}, b""), family=family)
