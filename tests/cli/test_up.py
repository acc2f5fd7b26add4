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
