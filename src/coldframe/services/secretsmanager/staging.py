"""Staging labels: each is on one version at a time, and AWSPREVIOUS follows AWSCURRENT."""

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"

Stages = dict[str, list[str]]


def version_with(stages: Stages, label: str) -> str:
    """Return the id of the version that has a label, empty if none has."""
    return next((version for version, labels in stages.items() if label in labels), "")


def moved(stages: Stages, version: str, labels: list[str]) -> Stages:
    """Return the stages after labels have come to a version, which may be new."""
    found = {name: list(present) for name, present in stages.items()}
    found.setdefault(version, [])
    for label in labels:
        before = version_with(found, label)
        if before == version:
            continue
        _put(found, label, version)
        if label == CURRENT and before:
            _put(found, PREVIOUS, before)
            # What became current was pending no longer.
            found[before] = [each for each in found[before] if each != PENDING]
    return found


def removed(stages: Stages, label: str) -> Stages:
    """Return the stages after a label has left."""
    return {name: [each for each in labels if each != label] for name, labels in stages.items()}


def _put(stages: Stages, label: str, version: str) -> None:
    for labels in stages.values():
        if label in labels:
            labels.remove(label)
    stages[version].append(label)
