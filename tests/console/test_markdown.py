"""Markdown of text widgets: what becomes markup, and that nothing else does."""

import re

import pytest

from coldframe.console.markdown import html

TABLE = {
    "# Runbook": "<h3>Runbook</h3>",
    "###### deep ######": "<h6>deep</h6>",
    "one\ntwo\n\nthree": "<p>one<br>two</p>\n<p>three</p>",
    "**bold** and *slanted* and `a*b*c` and snake_case_name": "<p><strong>bold</strong> and <em>slanted</em> and <code>a*b*c</code> and snake_case_name</p>",
    "2 * 3 * 4": "<p>2 * 3 * 4</p>",
    "**a *b* c**": "<p><strong>a <em>b</em> c</strong></p>",
    "[logs](https://example.com/?a=1&b=2)": '<p><a href="https://example.com/?a=1&amp;b=2" rel="noreferrer">logs</a></p>',
    "[button:Go](/console)": '<p><a href="/console" class="button" rel="noreferrer">Go</a></p>',
    "* a\n* b\n  more": "<ul><li>a</li><li>b more</li></ul>",
    "1. a\n2. b": "<ol><li>a</li><li>b</li></ol>",
    "| a | b |\n|---|:-:|\n| 1 | **2** |": '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead><tbody><tr><td>1</td><td><strong>2</strong></td></tr></tbody></table>',
    "```\n<b>*x*\n```": "<pre>&lt;b&gt;*x*</pre>",
    "> said\n> so": "<blockquote>said so</blockquote>",
    "---": "<hr>",
    "": "",
}  # fmt: skip
ATTACKS = [
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "[x](data:text/html,<b>)", '[x](https://a"onclick="b)',
    "`<img src=x onerror=y>`", "| <b> |\n|---|\n| <i> |", "# <svg/onload=x>", "* <b>", "> <b>", "[<b>](/x)", "{{ 7*7 }}",
    "[button:primary:<u>](  JaVaScRiPt:x )", "**<b>**",
]  # fmt: skip


@pytest.mark.parametrize("text", TABLE)
def test_markdown_becomes(text):
    assert html(text) == TABLE[text]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_markup_of_its_own_passes(attack):
    found = str(html(attack))
    tags = set(re.findall(r"<\s*/?\s*([^\s>/]+)", found))
    assert tags <= {"p", "h3", "ul", "li", "blockquote", "code", "a", "table", "thead", "tbody", "tr", "th", "td", "strong"}  # fmt: skip
    assert not re.search(r'href="(?!https?:|/|#|mailto:)', found)
    assert not re.search(r'"[^"]*"\s*on\w+=', found)


def test_text_that_is_made_to_be_slow_is_read_at_once():
    for part in ("*a", "[", "**a ", "_a", "`", "| a ", "[a](", "- a\n", "__a "):
        html(part * 5000)
