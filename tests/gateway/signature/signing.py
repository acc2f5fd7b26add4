"""Requests signed by botocore, as they arrive at the server."""

import hmac
from datetime import UTC, datetime, timedelta
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from coldframe.core.wire import WireRequest
from coldframe.gateway.signature import Expectation, Secret, verify
from coldframe.identity.secret_keys import derive

KEY_ID = "AKIDEXAMPLE000000000"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PRINCIPAL = object()


class Plain:
    """A secret access key of which a test knows the text (an identity.secret_keys.SecretKey)."""

    def __init__(self, secret):
        self._secret = secret.encode()

    def signing_key(self, date, region, service):
        return derive(
            lambda message: hmac.digest(b"AWS4" + self._secret, message, "sha256"), date, region, service
        )

    def sha1(self, message):
        return hmac.digest(self._secret, message, "sha1")

    def matches(self, secret):
        return secret.encode() == self._secret


def find_secret(key_id, token=None, expires=None):
    return Secret(Plain(SECRET), PRINCIPAL, token, expires) if key_id == KEY_ID else None


def with_token(token, expires=None):
    return lambda key_id: find_secret(key_id, token, expires)


def signed(
    signer=botocore.auth.SigV4Auth,
    *,
    service="sts",
    region="us-east-1",
    method="POST",
    url="http://127.0.0.1:4566/",
    headers=None,
    body=b"",
    token=None,
    key_id=KEY_ID,
    secret=SECRET,
    at=NOW,
    expires=None,
):
    """A WireRequest of what botocore's signer makes of this call at this time."""
    request = AWSRequest(method=method, url=url, headers=headers or {}, data=body)
    credentials = Credentials(key_id, secret, token)
    more = {} if expires is None else {"expires": expires}
    with (
        mock.patch("botocore.auth.get_current_datetime", return_value=at.replace(tzinfo=None)),
        mock.patch("botocore.auth.time.time", return_value=at.timestamp()),
    ):
        if signer is botocore.auth.HmacV1QueryAuth:
            signer(credentials, **more).add_auth(request)
        else:
            signer(credentials, service, region, **more).add_auth(request)
    return arrived(request)


def arrived(request):
    """The request as the listener would hand it on."""
    parts = urlsplit(request.url)
    sent = {name.lower(): value for name, value in request.headers.items()}
    sent.setdefault("host", parts.netloc)
    sent = {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in sent.items()}
    prepared = request.prepare()
    body = prepared.body or b""
    if isinstance(body, str):
        body = body.encode()
    return WireRequest(request.method, parts.path or "/", parts.query, sent, body)


def check(request, *, family="query", find=find_secret, now=NOW, **expected):
    return verify(request, find, now, expected=Expectation(family, **expected))


def later(**delta):
    return NOW + timedelta(**delta)
