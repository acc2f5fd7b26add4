"""The options of `coldframe up`: what they are when nothing is said, and what is refused."""

import argparse

import pytest

from coldframe.cli import up


@pytest.fixture
def parse():
    parser = argparse.ArgumentParser()
    up.options(parser)
    return lambda *words: parser.parse_args(words)


def test_nothing_has_to_be_said(parse) -> None:
    chosen = parse()
    assert (chosen.deliver_to, chosen.mail_relay, chosen.dev) == ([], None, False)


def test_hosts_to_deliver_to_are_named_one_by_one(parse) -> None:
    chosen = parse("--deliver-to", "hooks", "--deliver-to", "10.0.0.0/8", "--mail-relay", "127.0.0.1:25")
    assert (chosen.deliver_to, chosen.mail_relay) == (["hooks", "10.0.0.0/8"], "127.0.0.1:25")


@pytest.mark.parametrize("relay", ["", "relay", ":25", "relay:smtp", "relay:70000"])
def test_a_relay_is_a_host_and_a_port(parse, capsys, relay) -> None:
    with pytest.raises(SystemExit):
        parse("--mail-relay", relay)
    assert "--mail-relay" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data", ""), "is empty"),
        (("--region", "us east"), "no region"),
        (("--local-storage", "/nowhere/fast"), "no directory"),
        (("--deliver-to", "no host"), "no host and no network"),
        (("--deliver-to", "10.0.0.0/99"), "no host and no network"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_is_made(parse, capsys, words, said) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_one_port_for_both_is_refused(parse, tmp_path, capsys) -> None:
    assert up.run(parse("--port", "4999", "--tls-port", "4999", "--data", str(tmp_path / "data"))) == 2
    assert "HTTP and TLS" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
