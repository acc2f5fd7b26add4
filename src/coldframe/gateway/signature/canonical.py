"""The canonical form of a request, which is what Signature Version 4 signs.

Source: IAM User Guide, "Create a signed AWS API request", and the test suite that AWS publishes with it.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import quote, unquote_plus, unquote_to_bytes

from coldframe.core.wire import WireRequest

# Nothing in such a query would be changed by decoding and encoding it again.
_PLAIN_QUERY = re.compile(r"(?:[A-Za-z0-9\-_.~=&]|%[0-9A-F]{2})*").fullmatch
_SIGNATURE_PARAMETER = re.compile(r"(?:^|&)X-Amz-Signature=[^&]*")


def canonical_paths(path: str, *, s3: bool) -> Iterator[str]:
    """The canonical path: encoded a second time, except for S3; and for S3 once more as a client encodes it fully."""
    if not s3:
        yield quote(_without_dots(path), safe="/~")
        return
    yield path or "/"
    encoded = quote(unquote_to_bytes(path), safe="/~")
    if encoded != path:
        yield encoded


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4, and without empty segments: `/a//./b/../c/` is `/a/c/`."""
    if "//" not in path and "/." not in path:
        return path or "/"
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if path.endswith("/") and kept else "")


def canonical_queries(query: str, *, presigned: bool) -> Iterator[str]:
    """The canonical query string, sorted and without the signature itself.

    Clients agree on it as long as they encode fully. One that sends `a+b` may have signed that or `a%20b`: both
    stand for the request that was sent, so both are tried.
    """
    if presigned:
        query = _SIGNATURE_PARAMETER.sub("", query).lstrip("&")
    if not query:
        yield ""
        return
    pairs = [pair.partition("=")[::2] for pair in query.split("&")]
    if not _PLAIN_QUERY(query):
        recoded = [(_recoded(name), _recoded(value)) for name, value in pairs]
        yield "&".join(f"{name}={value}" for name, value in sorted(recoded) if name or value)
    yield "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _recoded(text: str) -> str:
    return quote(unquote_plus(text, errors="surrogateescape"), safe="-_.~", errors="surrogateescape")


def canonical_headers(request: WireRequest, names: tuple[str, ...]) -> str:
    """The block of signed headers with the list of their names under it: white space folded, Host verbatim."""
    headers = request.headers
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names]
    return f"{''.join(lines)}\n{';'.join(names)}"


def canonical_digests(
    request: WireRequest, names: tuple[str, ...], payload: str, *, s3: bool, presigned: bool
) -> Iterator[str]:
    """The SHA-256 of each canonical form that a client may have signed for this request, the usual one first."""
    for form in canonical_forms(request, names, payload, s3=s3, presigned=presigned):
        yield sha256(form).hexdigest()


def canonical_forms(
    request: WireRequest, names: tuple[str, ...], payload: str, *, s3: bool, presigned: bool
) -> Iterator[bytes]:
    """The canonical forms themselves."""
    headers = canonical_headers(request, names)
    for path in canonical_paths(request.path, s3=s3):
        for query in canonical_queries(request.query, presigned=presigned):
            form = f"{request.method}\n{path}\n{query}\n{headers}\n{payload}"
            yield form.encode("utf-8", "surrogateescape")
