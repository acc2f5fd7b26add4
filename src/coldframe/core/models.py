"""AWS's own service models, loaded from botocore once each, and the bulk of each only when it is first needed."""

import gzip
from collections.abc import Iterator, Mapping
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from coldframe.core import former_query
from coldframe.core.struct_types import whole

_LOADER = Loader()
_KIND = "service-2"


class _Outline(msgspec.Struct):
    """The part of a model that tells which requests are for it; the rest is skipped when this is decoded."""

    metadata: dict[str, Any]


class _Section(Mapping[str, Any]):
    """One section of a model, read from the file at its first use: a server knows far more than it is asked."""

    def __init__(self, service: str, name: str) -> None:
        self._service = service
        self._name = name

    @cached_property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = _description(self._service)[self._name]
        return content

    def __getitem__(self, key: str) -> Any:
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)


@cache
def load(name: str) -> ServiceModel:
    """Return the model that botocore ships as `name` (`logs`, `rds`); raises DataNotFoundError."""
    description = {
        "metadata": _metadata(name),
        "operations": _Section(name, "operations"),
        "shapes": _Section(name, "shapes"),
    }
    return ServiceModel(description, name)


class Former(NamedTuple):
    """The model of a service in the query protocol it once had, and the member that a request's path stands for."""

    model: ServiceModel
    path_member: str


@cache
def former(name: str) -> Former | None:
    """Return the model of a service that has moved from the query protocol to JSON; None for one that has not."""
    if name not in former_query.names():
        return None
    rebuilt = former_query.rebuild(name, _description(name))
    return Former(ServiceModel(rebuilt.description, name), rebuilt.path_member)


def _metadata(name: str) -> dict[str, Any]:
    version = _LOADER.determine_latest_version(name, _KIND)
    for folder in _LOADER.search_paths:
        path = Path(folder) / name / version / f"{_KIND}.json.gz"
        if path.exists():
            return msgspec.json.decode(gzip.decompress(path.read_bytes()), type=whole(_Outline)).metadata
        path = path.with_suffix("")
        if path.exists():
            return msgspec.json.decode(path.read_bytes(), type=whole(_Outline)).metadata
    raise DataNotFoundError(data_path=f"{name}/{version}/{_KIND}")


@lru_cache(maxsize=1)
def _description(name: str) -> Any:
    # Kept for one model, since its sections are asked for one after the other.
    description = _LOADER.load_service_model(name, _KIND)
    former_query.amend(name, description)
    return description
