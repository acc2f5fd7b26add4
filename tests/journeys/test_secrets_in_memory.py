"""A running server is searched for its users' secrets: the kernel has them, the server's memory never a byte of them.

tests/kernel runs these on kernels that compute with keys nobody can read; here they run on whichever rung this machine has.
"""

import contextlib
import hmac
import socket
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from coldframe.core.seal import load_master_key
from coldframe.core.sealed_master import NAME, seal_master, write_sealed
from coldframe.engines.keyring import Kernel, KeyringError
from coldframe.server.master_key import rung_of
from tests.journeys import process
from tests.journeys.process import ServerProcess
from tests.kernel.memory_scan import blocks

# The same server with one line more: it keeps what it opens.
_LEAKING = """
import sys
from coldframe.identity import secret_keys
kept, opened = [], secret_keys.SecretKeys.open_secret
def leaking(*given):
    secret = opened(*given)
    kept.append(bytes(secret))
    return secret
secret_keys.SecretKeys.open_secret = leaking
from coldframe.cli.main import main
sys.exit(main(sys.argv[sys.argv.index("up"):]))
"""
_PATIENT = {"connect_timeout": 120, "read_timeout": 120, "retries": {"total_max_attempts": 1}}
KeyPair = tuple[str, str]


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A session keyring of its own for each test, and time for machines in which everything is emulated."""
    monkeypatch.setattr(process, "PATIENCE", 300.0)
    Kernel().join_session()
    yield
    Kernel().join_session()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that is not there yet."""
    return tmp_path / "data"


def windows(secret: str) -> dict[str, bytes]:
    """Return pieces of a secret as programs hold it: as it is, and as HMAC mixes it with its two paddings."""
    plain = secret.encode()
    found = {"beginning": plain[:20], "end": plain[-20:]}
    for name, padding in (("inner", 0x36), ("outer", 0x5C)):
        found[f"{name} padding"] = bytes(byte ^ padding for byte in b"AWS4" + plain)[4:28]
    return found


def found_in(server: ServerProcess, secret: str) -> set[str]:
    """Return which pieces of a secret lie in a server's memory."""
    sought = windows(secret)
    return {name for block in blocks(server.process.pid) for name, piece in sought.items() if piece in block}


def holds(server: ServerProcess, *pieces: bytes) -> bool:
    """Tell whether all of these lie in a server's memory: the control, without which finding nothing says nothing."""
    left = set(pieces)
    for block in blocks(server.process.pid):
        left -= {piece for piece in left if piece in block}
    return not left


def in_kernel(access_key_id: str) -> list[tuple[int, str]]:
    """Return serial and type of what the kernel has of an access key, dead and dying keys left out."""
    kernel, found = Kernel(), []
    for entry in kernel.entries():
        if entry.type in {"logon", "user"}:
            with contextlib.suppress(KeyringError):
                if kernel.describe(entry.serial).description.startswith(f"coldframe:{access_key_id}:"):
                    found.append((entry.serial, entry.type))
    return found


def client(server: ServerProcess, service: str, keys: KeyPair, token: str | None = None, **more: Any) -> Any:
    """Return a client with these keys."""
    options = {"s3": {"addressing_style": "path"}, **_PATIENT, **more}
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=server.address.endpoint,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        aws_session_token=token,
        config=Config(**options),
    )


def root_of(server: ServerProcess) -> KeyPair:
    """Return the root key pair."""
    return server.root.access_key_id, server.root.secret_access_key


def make_user(server: ServerProcess, name: str = "jane") -> KeyPair:
    """Make a user who may do everything, and a key pair for them."""
    iam = client(server, "iam", root_of(server))
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def signing_key(secret: str, service: str) -> bytes:
    """Return the signing key of today, which a server keeps."""
    key = b"AWS4" + secret.encode()
    for part in (f"{datetime.now(UTC):%Y%m%d}", "us-east-1", service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def who(server: ServerProcess, keys: KeyPair, token: str | None = None) -> str:
    """Return who STS says that signs."""
    arn: str = client(server, "sts", keys, token).get_caller_identity()["Arn"]
    return arn


def use_every_form(server: ServerProcess, keys: KeyPair) -> None:
    """Sign headers, URLs and forms of uploads, in the versions 4 and 2."""
    assert who(server, keys)
    s3, old = client(server, "s3", keys), client(server, "s3", keys, signature_version="s3")
    s3.create_bucket(Bucket="forms")
    s3.put_object(Bucket="forms", Key="k", Body=b"content")
    for each in (client(server, "s3", keys, signature_version="s3v4"), old):
        url = each.generate_presigned_url("get_object", Params={"Bucket": "forms", "Key": "k"})
        with urllib.request.urlopen(url, timeout=120) as answer:
            assert answer.read() == b"content"
        form = each.generate_presigned_post("forms", "sent")
        assert upload(form) == 204


def upload(form: dict[str, Any]) -> int:
    """Send a form with a small file, and return the status of the answer."""
    boundary = "----form"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--{boundary}--\r\n'
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(form["url"], "".join(parts).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return int(answer.status)


def test_no_byte_of_a_secret_is_in_the_memory_of_the_server(data: Path) -> None:
    with ServerProcess(data) as server:
        keys = make_user(server)
        session = client(server, "sts", keys).get_session_token()["Credentials"]
        # The answers that brought the secrets are gone from memory too.
        for secret in (keys[1], session["SecretAccessKey"]):
            assert found_in(server, secret) == set()
        server.stop()
    temporary = session["AccessKeyId"], session["SecretAccessKey"]
    with ServerProcess(data) as server:
        root = root_of(server)
        use_every_form(server, keys)
        assert who(server, root).endswith(":root")
        assert who(server, temporary, session["SessionToken"]).endswith("user/jane")
        for name, secret in (root, keys, temporary):
            assert holds(server, name.encode(), signing_key(secret, "sts")), "the search is blind"
            assert found_in(server, secret) == set(), name
        rung = rung_of()
        for name in (root[0], keys[0]):
            assert [kind for _, kind in in_kernel(name)] == ([] if rung == "file" else [rung])
        refuse_what_is_gone(server, keys)
        server.stop()


def refuse_what_is_gone(server: ServerProcess, keys: KeyPair) -> None:
    """Deactivate, activate and delete a key: each counts at once, here and in the kernel."""
    iam = client(server, "iam", root_of(server))
    before = len(in_kernel(keys[0]))
    iam.update_access_key(UserName="jane", AccessKeyId=keys[0], Status="Inactive")
    assert in_kernel(keys[0]) == []
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        who(server, keys)
    assert in_kernel(keys[0]) == []
    iam.update_access_key(UserName="jane", AccessKeyId=keys[0], Status="Active")
    assert who(server, keys)
    assert len(in_kernel(keys[0])) == before
    iam.delete_access_key(UserName="jane", AccessKeyId=keys[0])
    assert in_kernel(keys[0]) == []
    assert not holds(server, signing_key(keys[1], "sts")), "what was derived is gone as well"


def test_a_server_that_keeps_a_secret_is_found_out(data: Path) -> None:
    """The mutant: one reference that is kept, and the search says so."""
    with ServerProcess(data, prefix=(sys.executable, "-c", _LEAKING)) as server:
        keys = make_user(server)
        assert found_in(server, keys[1]) == set()
        assert who(server, keys)
        assert found_in(server, keys[1]) == {"beginning", "end"}


def test_a_server_of_the_same_session_finds_its_keys_and_asks_for_nothing(data: Path) -> None:
    with ServerProcess(data) as server:
        keys = make_user(server)
        server.stop()
    write_sealed(data / NAME, seal_master(load_master_key(data / "master.key"), b"open sesame"))
    (data / "master.key").unlink()
    passphrase = data.with_name("passphrase")
    passphrase.write_bytes(b"open sesame\n")
    with ServerProcess(data, "--passphrase-file", str(passphrase)) as server:
        assert who(server, keys)
        before = in_kernel(keys[0])
        server.stop()
    passphrase.unlink()
    if rung_of() == "file":
        return  # without a kernel for keys each start asks; tests/journeys/test_sealed_master.py has it
    assert len(before) == 1
    assert in_kernel(keys[0]) == before
    with ServerProcess(data, prefix=(sys.executable, "-c", _LEAKING)) as server:
        assert who(server, keys)
        assert in_kernel(keys[0]) == before
        # Even a server that would leak has nothing to leak: it never had to open this secret.
        assert found_in(server, keys[1]) == set()
        server.stop()


def test_an_answer_with_a_secret_is_whole_over_tls(data: Path) -> None:
    """What is overwritten when it was sent must have been sent: over TLS another library sends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ServerProcess(data, "--tls-port", str(port)) as server:
        options = {"endpoint_url": server.address.tls_endpoint, "verify": server.address.certificate}
        iam, sts = (server.client(service, **options) for service in ("iam", "sts"))
        iam.create_user(UserName="jane")
        for _ in range(10):
            made = iam.create_access_key(UserName="jane")["AccessKey"]
            assert who(server, (made["AccessKeyId"], made["SecretAccessKey"])).endswith("user/jane")
            iam.delete_access_key(UserName="jane", AccessKeyId=made["AccessKeyId"])
            given = sts.get_session_token()["Credentials"]
            assert who(server, (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])
