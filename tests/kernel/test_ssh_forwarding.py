"""A forwarded agent (`ssh -A`) over two hops, of unchanged ssh and sshd: and keys that may go only where they were told to."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.ssh import COLDFRAME, Server, agent, did, said, sshd


@pytest.fixture(scope="module")
def jump(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The host between."""
    with sshd(tmp_path_factory.mktemp("jump")) as running:
        yield running


@pytest.fixture(scope="module")
def inner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The host behind it."""
    with sshd(tmp_path_factory.mktemp("inner")) as running:
        yield running


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An agent, as its clients know it."""
    folder = tmp_path_factory.mktemp("agent")
    with agent(folder, [COLDFRAME, "keys", "agent", "-D", "-a"]) as (_, variables):
        yield variables


@pytest.fixture(scope="module")
def copy(key_file: Path, jump: Server, inner: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key, which both hosts let in."""
    path = tmp_path_factory.mktemp("key") / "id_rsa"
    shutil.copy(key_file, path)
    path.chmod(0o600)
    public = did(["ssh-keygen", "-y", "-f", path])
    for host in (jump, inner):
        host.authorized.write_text(public, encoding="ascii")
    return path


@pytest.fixture(scope="module")
def hosts(jump: Server, inner: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of both hosts under their names, which ssh-add -h looks up."""
    path = tmp_path_factory.mktemp("hosts") / "known_hosts"
    lines = [
        f"{name} {(host.folder / 'host.pub').read_text(encoding='ascii')}"
        for name, host in (("jump", jump), ("inner", inner))
    ]
    path.write_text("".join(lines), encoding="ascii")
    return path


def two_hops(
    jump: Server, inner: Server, known: dict[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    """Log in to the host between, and from there to the inner one; `words` are options of the first ssh."""
    further = ["ssh", *inner.options, "root@127.0.0.1", "echo", "inside"]
    command = f"echo between; {shlex.join(further)}"
    return said(["ssh", *jump.options, *words, "root@127.0.0.1", command], **known)


def test_a_forwarded_agent_logs_in_further_on(
    jump: Server, inner: Server, known: dict[str, str], copy: Path
) -> None:
    did(["ssh-add", copy], **known)
    before = inner.accepted()
    done = two_hops(jump, inner, known, "-A")
    assert done.stdout == "between\ninside\n", done.stderr
    assert inner.accepted() == before + 1
    # Without -A the host between has nothing to log in with.
    done = two_hops(jump, inner, known, "-a")
    assert done.stdout == "between\n"
    assert "Permission denied (publickey" in done.stderr
    did(["ssh-add", "-D"], **known)


@pytest.mark.parametrize(
    ("destinations", "between", "inside"),
    [
        (("jump", "jump>root@inner"), True, True),
        (("jump",), True, False),
        (("jump", "jump>jane@inner"), True, False),
        (("inner",), False, False),
        (("jump", "inner"), True, False),
    ],
    ids=["both", "the first alone", "as somebody else", "the inner one directly", "both, but not from there"],
)
def test_a_key_goes_only_where_it_was_told_to(
    jump: Server,
    inner: Server,
    known: dict[str, str],
    copy: Path,
    hosts: Path,
    destinations: tuple[str, ...],
    between: bool,
    inside: bool,
) -> None:
    words = [word for destination in destinations for word in ("-h", destination)]
    did(["ssh-add", "-H", hosts, *words, copy], **known)
    done = two_hops(jump, inner, known, "-A")
    assert done.stdout == "between\n" * between + "inside\n" * inside, done.stderr
    assert (done.returncode == 0) == inside
    did(["ssh-add", "-D"], **known)
