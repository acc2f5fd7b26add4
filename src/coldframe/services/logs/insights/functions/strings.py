"""Functions of texts."""

import re
from typing import TYPE_CHECKING

from coldframe.services.logs.insights import tree
from coldframe.services.logs.insights.functions.function import Function, test, textual
from coldframe.services.logs.insights.values import Sql

if TYPE_CHECKING:
    from coldframe.services.logs.insights.expressions import Compiler


def _concat(c: "Compiler", node: tree.Call) -> Sql:
    return Sql(f"concat({', '.join(c.string(each) for each in node.arguments)})", "text")


def _trim(name: str) -> Function:
    """Return a trimming function: of white space, or of the characters in a second argument."""

    def build(c: "Compiler", node: tree.Call) -> Sql:
        text = c.string(node.arguments[0])
        characters = (
            c.string(node.arguments[1])
            if len(node.arguments) == 2
            else r"chr(32) || chr(9) || chr(10) || chr(13)"
        )
        return Sql(f"{name}({text}, {characters})", "text")

    return Function(1, 2, build)


def _substr(c: "Compiler", node: tree.Call) -> Sql:
    text = c.string(node.arguments[0])
    numbers = [
        f"CAST(greatest(0, least(1e9, trunc({c.number(each)}))) AS BIGINT)" for each in node.arguments[1:]
    ]
    length = f", {numbers[1]}" if len(numbers) == 2 else ""
    return Sql(f"substr({text}, {numbers[0]} + 1{length})", "text")


def _regex_replace(c: "Compiler", node: tree.Call) -> Sql:
    pattern = c.pattern(node.arguments[1])
    written = c.constant(node.arguments[2], "the replacement")
    spelled = re.sub(r"\$(\d)|\\(?!\d)", lambda found: f"\\{found[1]}" if found[1] else r"\\", written)
    replacement = c.bind.bind(spelled)
    return Sql(f"TRY(regexp_replace({c.string(node.arguments[0])}, {pattern}, {replacement}, 'g'))", "text")


def _split(c: "Compiler", node: tree.Call) -> Sql:
    text, separator = (c.string(each) for each in node.arguments)
    return Sql(f"to_json(string_split({text}, {separator}))", "json")


def _contains(c: "Compiler", node: tree.Call) -> Sql:
    text, wanted = (c.string(each) for each in node.arguments[:2])
    exact = f"contains({text}, {wanted})"
    if len(node.arguments) == 2:
        return Sql(exact, "bool")
    folded = f"contains(lower({text}), lower({wanted}))"
    return Sql(f"(CASE WHEN {c.condition(node.arguments[2])} THEN {folded} ELSE {exact} END)", "bool")


STRINGS = {
    "isempty": test("(coalesce({0}, '') = '')"),
    "isblank": test(r"(trim(coalesce({0}, ''), chr(32) || chr(9) || chr(10) || chr(13)) = '')"),
    "concat": Function(1, None, _concat),
    "ltrim": _trim("ltrim"),
    "rtrim": _trim("rtrim"),
    "trim": _trim("trim"),
    "strlen": Function(
        1, 1, lambda c, n: Sql(f"CAST(length({c.string(n.arguments[0])}) AS DOUBLE)", "number")
    ),
    "toupper": textual("upper({0})"),
    "tolower": textual("lower({0})"),
    "substr": Function(2, 3, _substr),
    "replace": textual("replace({0}, {1}, {2})", 3),
    "regexReplace": Function(3, 3, _regex_replace),
    "strcontains": Function(2, 3, _contains),
    "startsWith": test("starts_with({0}, {1})", 2),
    "endsWith": test("ends_with({0}, {1})", 2),
    "split": Function(2, 2, _split),
    "urlencode": textual("url_encode({0})"),
    "urldecode": textual("TRY(url_decode({0}))"),
    "base64encode": textual("base64(encode({0}))"),
    "base64decode": textual("TRY(decode(from_base64({0})))"),
    "md5": textual("md5({0})"),
    "sha256": textual("sha256({0})"),
    "hexToAscii": textual("TRY(decode(unhex({0})))"),
}
