"""Slots of logical copies, which a standby does not get from its writer: handed over as files when it takes the writer's place.

A slot on the writer's disk is what the writer itself would go on with after a crash, and what it kept back for the slot, rows
of the catalogs and log, its standbys kept as well, or it is there to be copied. So a standby that starts with the slot and the
log from there on decodes what the writer would have decoded, across the change of the timeline.
"""

import re
import shutil
import struct
from pathlib import Path

from coldframe.core import durable
from coldframe.engines.database import DatabaseError, InstanceSpec
from coldframe.engines.postgresql import layout, programs
from coldframe.engines.postgresql.instances import Instances

_OURS = "coldframe_l*"
_SEGMENT = re.compile(r"[0-9A-F]{24}")
# Of a slot's file: after magic, checksum, version and length come name, database, persistency, two horizons, and the position
# from which it needs the log (ReplicationSlotOnDisk, the same in all versions since 10).
_STATE = "=4I64s4IQ"
# So much log is copied at most: clients wait for it.
_MOST = 1 << 30


def hand_over(source: InstanceSpec, target: InstanceSpec, instances: Instances) -> None:
    """Give the slots of logical copies of a writer that is dead to a standby that takes its place; raises DatabaseError.

    May be repeated. A writer whose files are gone has none to give.
    """
    if layout.running(source) is not None:
        raise DatabaseError(f"{source.name} runs and keeps its slots", "stop it first")
    found = sorted((layout.data(source) / "pg_replslot").glob(_OURS))
    found = [slot for slot in found if (slot / "state").exists()]
    if found:
        # A server reads its slots when it starts, and no later.
        instances.stop(target)
        try:
            _bring_log(
                layout.data(source) / "pg_wal", layout.data(target) / "pg_wal", min(map(_needs, found))
            )
            for slot in found:
                _lay_in(slot, layout.data(target) / "pg_replslot")
            for slot in found:
                # It comes back as a standby, and would keep its log for nobody.
                shutil.rmtree(slot)
        except OSError as problem:
            raise DatabaseError(f"the slots of {source.name} could not be copied: {problem}") from problem
    instances.start(target)


def _needs(slot: Path) -> int:
    try:
        return int(struct.unpack_from(_STATE, (slot / "state").read_bytes())[-1])
    except struct.error as problem:
        raise DatabaseError(f"the slot {slot.name} is damaged: {problem}") from problem


def _lay_in(slot: Path, slots: Path) -> None:
    place, room = slots / slot.name, slots / f"{slot.name}.tmp"
    # One of this name that was there before is an older one; a server removes those that are not whole.
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700)
    durable.copy(slot / "state", room / "state")
    programs.own(room, room / "state")
    shutil.rmtree(place, ignore_errors=True)
    room.rename(place)
    durable.sync_folder(slots)


def _bring_log(here: Path, there: Path, position: int) -> None:
    """Copy the segments from a position on that a standby has removed already; raises DatabaseError when they are gone."""
    mine, theirs = (
        {each.name for each in place.iterdir() if _SEGMENT.fullmatch(each.name)} for place in (here, there)
    )
    if not mine or not theirs:
        raise DatabaseError(f"there is no log in {here if not mine else there}")
    size = (here / min(mine)).stat().st_size
    first, oldest = position // size, min(_number(name, size) for name in theirs)
    missing = {name for name in mine if first <= _number(name, size) < oldest}
    if len({_number(name, size) for name in missing}) < oldest - first:
        raise DatabaseError(f"log from {position:X} on is gone")
    if len(missing) * size > _MOST:
        raise DatabaseError(f"{len(missing) * size} bytes of log would have to be copied while clients wait")
    for name in missing:
        durable.copy(here / name, there / name)
        programs.own(there / name)
    durable.sync_folder(there)


def _number(name: str, size: int) -> int:
    return int(name[8:16], 16) * (2**32 // size) + int(name[16:], 16)
