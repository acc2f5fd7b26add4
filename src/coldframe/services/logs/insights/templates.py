"""The template of a text in SQL, found in one match where it is one of the commonest templates of the log.

Replacing each varying token is many searches a text. Most logs repeat few templates, so these are learnt from the first
events of each group, and a text that wholly matches the expression of one has that template. The expressions are of
templates in which no varying token could begin or end elsewhere, so the outcome is the same; other texts take the long way.
"""

from coldframe.services.logs.insights.stage import Stage
from coldframe.services.logs.log_patterns import AFTER, BEFORE, MARK, VARYING

_LEARNT_FROM = 10_000
_MOST = 8
_MOST_TOKENS = 40
_MOST_CHARACTERS = 2_000
_LEAST_SHARE = 0.01


def template(stage: Stage, source: str) -> str:
    """Return SQL for the template of a text."""
    bind = stage.chain.bind
    varying, mark = bind.bind(VARYING), bind.bind(MARK)
    whole = f"regexp_replace({source}, {varying}, {mark}, 'g')"
    message = stage.scope.message
    if message is None or message.sql != source:
        return whole
    known = _learn(stage, source, varying, mark)
    cases = " ".join(
        f"WHEN starts_with({source}, {known}[{rank}].head) AND regexp_full_match({source}, {known}[{rank}].expression)"
        f" THEN {known}[{rank}].template"
        for rank in range(1, _MOST + 1)
    )
    return f"(CASE {cases} ELSE {whole} END)"


def _learn(stage: Stage, source: str, varying: str, mark: str) -> str:
    """Have the commonest templates of a pipeline's first events put into a variable; return SQL for its value."""
    bind = stage.chain.bind
    name = bind.name("v")
    token, before, after = bind.bind(f"(?:{VARYING})"), bind.bind(f"{BEFORE}\\z"), bind.bind(f"^{AFTER}")
    events = f"SELECT {source} AS message FROM {stage.events} WHERE {source} IS NOT NULL LIMIT {_LEARNT_FROM}"
    found = (
        f"SELECT template, count(*) AS n, string_split(template, {mark}) AS pieces"
        f" FROM (SELECT regexp_replace(message, {varying}, {mark}, 'g') AS template FROM ({events})) GROUP BY template"
    )
    # A token ends where the text after it does not go on with one, and begins where the text before it is none.
    sure = (
        f"len(list_filter(pieces[1:len(pieces) - 1], lambda piece: regexp_matches(piece, {before}))) = 0"
        f" AND len(list_filter(pieces[2:], lambda piece: regexp_matches(piece, {after}))) = 0"
        " AND NOT list_contains(pieces[2:len(pieces) - 1], '')"
    )
    small = f"length(template) <= {_MOST_CHARACTERS} AND len(pieces) <= {_MOST_TOKENS}"
    common = f"n >= {_LEAST_SHARE} * (SELECT sum(n) FROM found)"
    expression = f"array_to_string(list_transform(pieces, lambda piece: regexp_escape(piece)), {token})"
    row = f"{{'template': template, 'head': pieces[1], 'expression': {expression}}}"
    chosen = (
        f"SELECT * FROM found WHERE {sure} AND {small} AND {common} ORDER BY n DESC, template LIMIT {_MOST}"
    )
    learnt = stage.chain.statement(
        f"SELECT list({row} ORDER BY n DESC, template) FROM (WITH found AS ({found}) {chosen})"
    )
    stage.chain.prepared.append(f"SET VARIABLE {name} = ({learnt})")
    return f"getvariable('{name}')"
