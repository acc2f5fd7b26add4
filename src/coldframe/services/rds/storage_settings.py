"""The storage of instances: the kinds that there are, the sizes that they come in, and the rates that they have."""

from collections.abc import Collection, Mapping
from typing import Any

from coldframe.services.rds.faults import bad_combination, bad_value, missing_parameter

AURORA_STORAGE = "aurora"
_STORAGE = {
    "gp2": (20, 65_536),
    "gp3": (20, 65_536),
    "io1": (100, 65_536),
    "io2": (100, 65_536),
    "standard": (5, 3_072),
}
# What gp3 gives without being asked, by its size: IOPS and MiB/s; below the second size nothing else can be had.
_STRIPED = 400
RATES = ("Iops", "StorageThroughput")
_BASE = {False: (3_000, 125), True: (12_000, 500)}
_MOST_IOPS, _MOST_THROUGHPUT = {"gp3": 64_000, "io1": 256_000, "io2": 256_000}, 4_000
_LEAST_IOPS = {"gp3": 12_000, "io1": 1_000, "io2": 1_000}
# IOPS that a GiB may have, by the kind of storage.
_IOPS_PER_GIB = {"gp3": 500, "io1": 50, "io2": 1_000}


def check_storage(engine: str, storage: int, found: Mapping[str, Any]) -> None:
    """Refuse an amount of storage that its type does not come in, and rates that its type does not have."""
    kind = found["StorageType"]
    if kind == AURORA_STORAGE and engine == "aurora-postgresql":
        return
    if kind not in _STORAGE:
        raise bad_value(f"Invalid storage type: {kind}")
    least, most = _STORAGE[kind]
    if not least <= storage <= most:
        raise bad_value(f"Invalid storage size for engine name {engine} and storage type {kind}: {storage}")
    iops, throughput = found.get("Iops") or 0, found.get("StorageThroughput") or 0
    if kind in {"io1", "io2"} and not iops:
        raise bad_combination(f"You must specify IOPS for storage type {kind}.")
    if kind in {"gp2", "standard"} and (iops or throughput):
        raise bad_combination(
            f"You can't specify IOPS or storage throughput for engine {engine} and a storage type {kind}."
        )
    if kind in {"io1", "io2"} and throughput:
        raise bad_combination(
            f"You can't specify storage throughput for engine {engine} and a storage type {kind}."
        )
    if kind in _MOST_IOPS and (iops, throughput) != tuple(base_rates(kind, storage).values()):
        _check_rates(engine, kind, storage, iops, throughput)
    most_storage = found.get("MaxAllocatedStorage")
    if most_storage is not None and most_storage < storage:
        raise bad_combination("Max storage size must be greater than storage size")


def unasked() -> Collection[tuple[int, int]]:
    """Return the rates, IOPS and MiB/s, that storage has where nobody asked for any."""
    return _BASE.values()


def base_rates(kind: str, storage: int) -> dict[str, int]:
    """Return the rates that a kind of storage of so many GiB has without being asked; nothing for kinds without."""
    if kind != "gp3":
        return {}
    iops, throughput = _BASE[storage >= _STRIPED]
    return {"Iops": iops, "StorageThroughput": throughput}


def ranges(kind: str) -> dict[str, Any]:
    """Return the rates that a kind of storage can be given, as ValidStorageOptions has them."""
    if kind not in _MOST_IOPS:
        none = [{"From": 0.0, "To": 0.0}]
        return {"ProvisionedIops": [{"From": 0, "To": 0, "Step": 1}], "IopsToStorageRatio": none}
    found: dict[str, Any] = {
        "ProvisionedIops": [{"From": _LEAST_IOPS[kind], "To": _MOST_IOPS[kind], "Step": 1}],
        "IopsToStorageRatio": [{"From": 0.5, "To": float(_IOPS_PER_GIB[kind])}],
    }
    if kind == "gp3":
        found["ProvisionedStorageThroughput"] = [{"From": _BASE[True][1], "To": _MOST_THROUGHPUT, "Step": 1}]
        found["StorageThroughputToIopsRatio"] = [{"From": 0.0, "To": 0.25}]
    return found


def after_change(
    about: Mapping[str, Any], storage: int, changed: Mapping[str, Any], new_storage: int
) -> dict[str, Any]:
    """Return what is kept of an instance once its storage is changed: rates that nobody asked for follow kind and size."""
    kind = changed.get("StorageType", about["StorageType"])
    base = base_rates(about["StorageType"], storage)
    found = {**about, "StorageType": kind, **{name: changed[name] for name in RATES if name in changed}}
    if "StorageType" in changed or (base and {name: about.get(name) for name in RATES} == base):
        found = {name: value for name, value in found.items() if name not in RATES or name in changed}
        found = {
            **found,
            **{name: rate for name, rate in base_rates(kind, new_storage).items() if name not in found},
        }
    return found


def refuse_rates(engine: str, kind: str, storage: int, request: Mapping[str, Any]) -> None:
    """Refuse rates in a request for gp3 that is too small to have other ones; raises InvalidParameterCombination."""
    if kind == "gp3" and storage < _STRIPED and (request.get("Iops") or request.get("StorageThroughput")):
        raise bad_combination(
            f"You can't specify IOPS or storage throughput for engine {engine} and a storage size less than {_STRIPED}."
        )


def _check_rates(engine: str, kind: str, storage: int, iops: int, throughput: int) -> None:
    refuse_rates(engine, kind, storage, {"Iops": iops, "StorageThroughput": throughput})
    least, most = _LEAST_IOPS[kind], _MOST_IOPS[kind]
    if not least <= iops <= most:
        raise bad_value(f"Invalid IOPS for storage type {kind}: {iops}. Must be between {least} and {most}")
    ratio = _IOPS_PER_GIB[kind]
    if not storage / 2 <= iops <= storage * ratio:
        raise bad_combination(
            f"The IOPS to GiB ratio of {iops / storage:g} is not between 0.5 and {ratio} for storage type {kind}."
        )
    if kind == "gp3" and not _BASE[True][1] <= throughput <= min(_MOST_THROUGHPUT, iops // 4):
        raise bad_value(
            f"Invalid storage throughput for storage type gp3: {throughput}. Must be between {_BASE[True][1]} and"
            f" {_MOST_THROUGHPUT}, at most a quarter of the IOPS"
        )


def storage_of(request: Mapping[str, Any]) -> int:
    """Return the storage that a new instance asks for, in GiB; raises MissingParameter."""
    found = request.get("AllocatedStorage")
    if found is None:
        raise missing_parameter("The request must contain the parameter AllocatedStorage.")
    return int(found)


def storage_types() -> dict[str, tuple[int, int]]:
    """Return the kinds of storage with the least and the most GiB that each comes in."""
    return dict(_STORAGE)
