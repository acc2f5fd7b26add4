"""What must hold on both sides before a switchover begins: whatever does not cancels it, and nothing has changed."""

from coldframe.jobs.run import Run
from coldframe.services.rds import lookup
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Deployment, Instance

# How many transactions green may be behind when the pause begins: it has to catch up within it.
MOST_BEHIND = 100


def refusal(run: Run, deployment: str) -> str:
    """Return why a switchover may not begin, empty when it may; lag passes, so it is asked for apart (`behind`)."""
    with run.read() as records:
        pairs = members.pairs(records, deployment)
    for pair in pairs:
        why = _side(run, pair.blue, "source") or _side(run, pair.green, "target")
        if why:
            return why
    primary = pairs[0]
    if primary.blue.source:
        return f"the source {primary.blue.identifier} follows another database"
    if primary.blue.read_only:
        return f"the source {primary.blue.identifier} is read-only"
    for pair in pairs:
        if why := _replication(run, pair.green):
            return why
    return _obstacles(run, deployment, primary)


def behind(run: Run, deployment: str) -> int | None:
    """Return how many transactions the green primary is behind; None while that is not known."""
    with run.read() as records:
        primary = members.pairs(records, deployment)[0]
    databases = run.part(Databases)
    engine = databases.engine(primary.green.engine)
    found = engine.copies.following(databases.spec(primary.blue), databases.spec(primary.green))
    return found.behind if found.running else None


def _side(run: Run, instance: Instance, side: str) -> str:
    databases = run.part(Databases)
    if instance.status not in {"available", "modifying"}:
        return f"the {side} {instance.identifier} is {instance.status}"
    state = databases.engine(instance.engine).status(databases.spec(instance)).state
    return "" if state == "running" else f"the {side} {instance.identifier} is {state}"


def _replication(run: Run, green: Instance) -> str:
    """Return what is wrong with the replication that reaches a green instance, from blue or from the green primary."""
    databases = run.part(Databases)
    with run.read() as records:
        source = lookup.by_resource(records, green.source) if green.source else None
    if source is None:
        return f"the target {green.identifier} does not follow its source"
    found = databases.engine(green.engine).copies.following(databases.spec(source), databases.spec(green))
    if not found.running:
        return (
            f"replication to the target {green.identifier} is not running: {found.error or 'it was stopped'}"
        )
    return ""


def _obstacles(run: Run, deployment: str, primary: members.Pair) -> str:
    """Return what a logical copy does not carry: obstacles, and what was made in blue since; nothing for a physical one."""
    with run.read() as records:
        logical = records.get(Deployment, deployment).logical
    if not logical:
        return ""
    databases = run.part(Databases)
    copies = databases.engine(primary.blue.engine).copies
    made = copies.lacking(databases.spec(primary.blue), databases.spec(primary.green))
    since = f"the target lacks what was made in the source since: {', '.join(made)}" if made else ""
    return "; ".join(filter(None, (obstacles(run, primary.blue), since)))


def obstacles(run: Run, blue: Instance) -> str:
    """Return what of a database logical replication does not carry, in words; empty when it carries all of it."""
    databases = run.part(Databases)
    found = databases.engine(blue.engine).copies.obstacles(databases.spec(blue))
    return "; ".join(f"{each.database}: {each.text}" for each in found)
