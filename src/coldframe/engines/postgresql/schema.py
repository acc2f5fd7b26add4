"""What a schema was when a logical copy was made, and what was changed since: statements that change it are not replicated.

Objects are compared by what defines them, so that what was changed can be named. Whether anything may have been is seen
much faster by the marks that every change leaves in the catalog.
"""

from pathlib import Path

import msgspec

from coldframe.core import durable
from coldframe.core.struct_types import whole
from coldframe.engines.database import InstanceSpec
from coldframe.engines.postgresql.admin import Connection

Objects = dict[str, str]

_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
_RELATION = """CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
    WHEN 'f' THEN 'foreign table' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'c' THEN 'type' ELSE 'table' END"""

# What it is called, and a text that changes with its definition.
_OBJECTS = f"""
    SELECT format('%s %I.%I', {_RELATION}, n.nspname, c.relname), concat_ws('|', c.relkind, c.relpersistence, c.relreplident,
        c.relrowsecurity, pg_get_expr(c.relpartbound, c.oid),
        CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) WHEN c.relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid) END,
        (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
            a.attgenerated, a.attcollation, pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY a.attnum)
         FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I')),
        (SELECT concat_ws(' ', s.seqtypid, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcycle)
         FROM pg_sequence s WHERE s.seqrelid = c.oid))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS} AND c.relpersistence <> 't' AND c.relkind IN ('r', 'p', 'S', 'v', 'm', 'f', 'c', 'i', 'I')
    UNION ALL
    SELECT format('constraint %I of %s', k.conname, k.conrelid::regclass), concat(pg_get_constraintdef(k.oid), k.convalidated)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS} AND c.relpersistence <> 't'
    UNION ALL
    SELECT format('trigger %I of %s', t.tgname, t.tgrelid::regclass), concat(pg_get_triggerdef(t.oid), t.tgenabled)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS} AND NOT t.tgisinternal AND c.relpersistence <> 't'
    UNION ALL
    SELECT format('rule %I of %s', r.rulename, r.ev_class::regclass), pg_get_ruledef(r.oid)
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS} AND r.rulename <> '_RETURN'
    UNION ALL
    SELECT format('policy %I of %s', p.polname, p.polrelid::regclass),
        concat(p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy p
    UNION ALL
    SELECT format('function %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
        CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OURS}
    UNION ALL
    SELECT format('type %I.%I', n.nspname, t.typname), concat_ws('|', t.typtype, t.typbasetype::regtype, t.typnotnull,
        t.typdefault, (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {_OURS} AND t.typtype IN ('e', 'd', 'r', 'm')
    UNION ALL
    SELECT format('schema %I', n.nspname), '' FROM pg_namespace n WHERE {_OURS}
    UNION ALL
    SELECT format('extension %I', extname), extversion FROM pg_extension
    UNION ALL
    SELECT format('event trigger %I', evtname), concat(evtevent, evtenabled, evtfoid::regproc) FROM pg_event_trigger"""

# One number for each catalog, which changes with every row that is written there.
_CATALOGS = {
    "pg_class": "oid", "pg_attribute": "attrelid", "pg_attrdef": "oid", "pg_constraint": "oid", "pg_trigger": "oid",
    "pg_rewrite": "oid", "pg_policy": "oid", "pg_proc": "oid", "pg_type": "oid", "pg_enum": "oid", "pg_namespace": "oid",
    "pg_extension": "oid", "pg_event_trigger": "oid", "pg_sequence": "seqrelid",
    "pg_index": "indexrelid",
}  # fmt: skip
_MARKS = "SELECT concat_ws(' ', EXISTS (SELECT FROM pg_largeobject_metadata), " + ", ".join(
    f"(SELECT concat(count(*), '/', sum(hashtextextended(concat({key}, ' ', xmin), 0))) FROM {name} WHERE {key} >= 16384)"
    for name, key in _CATALOGS.items()
) + ")"  # fmt: skip


def objects(connection: Connection) -> Objects:
    """Return the objects that users made in one database, each with a digest of its definition."""
    rows = connection.query(
        f"SELECT name, left(md5(string_agg(said, ';' ORDER BY said)), 12) FROM ({_OBJECTS}) AS o(name, said) GROUP BY name"
    )
    return {str(name): str(digest) for name, digest in rows}


def marks(connection: Connection) -> str:
    """Return what changes whenever the catalog of one database may have changed; a few milliseconds."""
    return str(connection.value(_MARKS))


def differences(then: Objects, now: Objects) -> list[str]:
    """Return in words what is not as it was, the tables before what belongs to them."""
    said = [
        f"{name} was {'created' if name not in then else 'dropped' if name not in now else 'altered'}"
        for name in then.keys() | now.keys()
        if then.get(name) != now.get(name)
    ]
    return sorted(said, key=lambda each: (not each.startswith(("table", "schema")), each))


def remember(target: InstanceSpec, found: dict[str, Objects]) -> None:
    """Keep beside a copy what every database of its source was when the copy was begun."""
    durable.write(_place(target), msgspec.json.encode(found))


def remembered(target: InstanceSpec) -> dict[str, Objects] | None:
    """Return what every database of a copy's source was; None when nobody kept it."""
    try:
        return msgspec.json.decode(_place(target).read_bytes(), type=whole(dict[str, Objects]))
    except FileNotFoundError:
        return None


def _place(target: InstanceSpec) -> Path:
    return target.folder / "source-schema.json"
