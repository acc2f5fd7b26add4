"""Requests signed by botocore verify: headers, presigned, old S3 URLs, session tokens, many services and paths."""

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from signing import KEY_ID, NOW, PRINCIPAL, check, find_secret, later, signed, with_token

from coldframe.core.faults import ServiceFault

PATHS = [
    "/",
    "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af/invocations",
    "/backup-vaults/a%20b/recovery-points/arn%3Aaws%3Aec2",
    "/a//b/./c/../d/",
    "/tags/%E2%82%AC~._-%2F",
    "/x/!$&'()*,;=:@",
]
QUERIES = [
    "",
    "a=1&b=2",
    "b=2&a=1&a=0",
    "prefix=%E2%82%AC%20x&x",
    "list-type=2&prefix=a%2Fb%2Bc&delimiter=%2F",
    "a=*",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("service", ["sts", "logs", "lambda", "monitoring"])
def test_header(service, path, query):
    request = signed(
        service=service, url=f"https://h.example{path}" + (f"?{query}" if query else ""), body=b"x=1"
    )
    verified = check(request, services=frozenset({service}), regions=frozenset({"us-east-1"}))
    assert verified.access_key_id == KEY_ID
    assert verified.principal is PRINCIPAL
    assert (verified.date, verified.region, verified.service) == (NOW, "us-east-1", service)
    assert "host" in verified.signed_headers


@pytest.mark.parametrize("path", [*PATHS, "/bucket/key%20with%2Fslash", "/bucket/../x", "/bucket//a"])
@pytest.mark.parametrize("query", QUERIES)
def test_s3_header(path, query):
    url = f"http://127.0.0.1:4566{path}" + (f"?{query}" if query else "")
    check(signed(S3SigV4Auth, service="s3", method="PUT", url=url, body=b"abc"), family="s3")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    ("signer", "family", "service"), [(SigV4QueryAuth, "query", "sts"), (S3SigV4QueryAuth, "s3", "s3")]
)
def test_presigned(signer, family, service, path, query):
    url = f"http://127.0.0.1:4566{path}" + (f"?{query}" if query else "")
    request = signed(signer, service=service, method="GET", url=url, expires=900)
    assert check(request, family=family, now=later(seconds=899)).presigned
    with pytest.raises(ServiceFault):
        check(request, family=family, now=later(seconds=901))


@pytest.mark.parametrize("headers", [
    {"X-Amz-Meta-Name": "  two   blanks  "},
    {"X-Amz-Meta-Name": "Grüße"},
    {"X-Amz-Meta-Name": "日本"},
    {"X-Amz-Meta-Empty": ""},
    {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "X-Amz-Target": "Logs_20140328.PutLogEvents"},
])  # fmt: skip
def test_header_values(headers):
    check(signed(headers=headers, body=b"{}"), family="json")


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:4566/bucket/key",
    "http://127.0.0.1:4566/bucket/a%20b%2Fc?versionId=3%2F4&unrelated=1",
    "http://127.0.0.1:4566/bucket/k?response-content-type=text%2Fplain&uploadId=u&partNumber=2",
])  # fmt: skip
@pytest.mark.parametrize("token", [None, "token/with+signs=="])
def test_s3_version_2_query(url, token):
    request = signed(HmacV1QueryAuth, method="GET", url=url, expires=60, token=token)
    request.headers.pop("date", None)
    request.headers.pop("x-amz-security-token", None)
    find = with_token(token)
    verified = check(request, family="s3", find=find)
    assert verified.principal is PRINCIPAL
    check(request, family="s3", find=find, now=later(seconds=59))
    with pytest.raises(ServiceFault, match="AccessDenied: Request has expired"):
        check(request, family="s3", find=find, now=later(seconds=61))
    request.path += "x"
    with pytest.raises(ServiceFault, match="SignatureDoesNotMatch"):
        check(request, family="s3", find=find)


def test_s3_version_2_with_the_bucket_in_the_host():
    request = signed(HmacV1QueryAuth, method="GET", url="http://h/bucket/key", expires=60)
    request.headers.pop("date")
    request.path = "/key"
    check(request, family="s3", bucket="bucket")
    with pytest.raises(ServiceFault, match="SignatureDoesNotMatch"):
        check(request, family="s3")


def test_version_2_is_for_s3_alone():
    request = signed(HmacV1QueryAuth, method="GET", url="http://h/", expires=60)
    with pytest.raises(ServiceFault, match="MissingAuthenticationToken"):
        check(request)


@pytest.mark.parametrize(
    ("signer", "more"), [(SigV4Auth, {}), (SigV4QueryAuth, {"method": "GET", "expires": 60})]
)
def test_session_token(signer, more):
    request = signed(signer, token="the/token+==", **more)
    check(request, find=with_token("the/token+==", later(hours=1)))


def test_a_date_header_does_for_x_amz_date():
    request = signed(SigV4Auth, headers={"Date": "Wed, 04 Mar 2026 05:06:07 GMT"})
    assert "x-amz-date" not in request.headers
    assert request.headers["date"].endswith(("GMT", "-0000"))
    check(request)


def test_anonymous_only_where_it_is_expected():
    request = signed()
    del request.headers["authorization"]
    assert check(request, family="s3", anonymous=True).anonymous
    with pytest.raises(ServiceFault, match="AccessDenied"):
        check(request, family="s3")


@pytest.mark.parametrize("query", ["a+b=c+d", "a=%7e", "a=b%2fc", "k=(v)"])
def test_a_query_signed_as_it_was_sent_and_as_it_is_encoded_in_full(query):
    """Clients differ in what they encode; botocore signs the URL as it stands."""
    check(signed(method="GET", url=f"http://h/?{query}"))


def test_secrets_are_not_shown():
    request = signed(token="the-token")
    verified = check(request, find=with_token("the-token"))
    shown = repr(verified) + repr(find_secret(KEY_ID, "the-token"))
    assert "wJalr" not in shown
    assert "the-token" not in shown


def test_s3_unsigned_payload_over_tls():
    request = signed(S3SigV4QueryAuth, service="s3", method="PUT", url="https://h/b/k", expires=60)
    request.body = b"any body"
    assert check(request, family="s3").payload == "UNSIGNED-PAYLOAD"
