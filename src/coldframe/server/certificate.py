"""The server's certificate: a certificate authority and a server certificate made at the first start, renewed in time.

Clients trust the authority's certificate (`ca.pem`), which outlives the renewals of the server's own. A start that finds
the files as they were when they were last checked does not check them again: what checks certificates is large.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from coldframe.core import durable
from coldframe.core.struct_types import whole


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """Files in PEM: the chain and the PKCS#8 key that the server shows, and the authority that clients trust."""

    chain: Path
    key: Path
    authority: Path


class _Checked(msgspec.Struct, frozen=True):
    """What was checked, as a digest of the files and of the names they are for, and until when it holds."""

    digest: str
    until: datetime


def ensure_certificate(directory: Path, region: str, now: datetime) -> ServerCertificate:
    """The certificate in `directory`, made when it is not there, is about to end, or is for other names.

    `now` is aware. Keys are readable by their owner alone; each file is whole or absent, also after a power cut.
    Raises OSError when the directory cannot be written.
    """
    durable.make_folder(directory)
    made = ServerCertificate(directory / "server.pem", directory / "server.key", directory / "ca.pem")
    if not _holds(made, region, now):
        from coldframe.server.certificate_making import make_and_check

        until = make_and_check(made, region, now)
        durable.write(_memo(made), msgspec.json.encode(_Checked(_digest(made, region), until)))
    return made


def _holds(made: ServerCertificate, region: str, now: datetime) -> bool:
    """Tell whether the files are those that were checked last, and still good."""
    try:
        checked = msgspec.json.decode(_memo(made).read_bytes(), type=whole(_Checked))
        return now <= checked.until and checked.digest == _digest(made, region)
    except (FileNotFoundError, msgspec.MsgspecError):
        return False


def _memo(made: ServerCertificate) -> Path:
    return made.chain.with_name("checked.json")


def _digest(made: ServerCertificate, region: str) -> str:
    digest = hashlib.sha256(repr(names_served(region)).encode())
    for path in (made.chain, made.key, made.authority, made.authority.with_name("ca.key")):
        content = path.read_bytes()
        digest.update(b"%d:%b" % (len(content), content))
    return digest.hexdigest()


def names_served(region: str) -> list[str]:
    """The DNS names of the certificate. A wildcard stands for one label only, so deeper names are listed apart.

    OpenSSL takes no wildcard directly above a top label, so that of `*.localhost` is for browsers and others; the
    names that clients make of `localhost` by putting a prefix before it stand in full.
    """
    suffixes = ("amazonaws.com", f"{region}.amazonaws.com")
    deeper = ("s3", "s3-control", "s3-accesspoint", "logs", "servicediscovery", "transcribe", "execute-api")
    return [
        "localhost",
        "*.localhost",
        "coldframe.localhost",
        "s3.localhost",
        "stream-localhost",
        "data-localhost",
        "*.s3.localhost",
        "*.s3-control.localhost",
        f"*.{region}.localhost",
        *(f"*.{suffix}" for suffix in suffixes),
        *(f"*.{name}.{region}.amazonaws.com" for name in deeper),
        "*.s3.amazonaws.com",
        f"*.{region}.api.aws",
    ]
