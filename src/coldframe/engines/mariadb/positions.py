"""GTID positions: for every domain, the last transaction in it ("5-5-100,7-7-3")."""


def read(position: str) -> dict[int, int]:
    """Return the sequence number of each domain."""
    found = {}
    for part in position.replace("\n", "").split(","):
        if part.strip():
            domain, _, sequence = part.strip().split("-")
            found[int(domain)] = int(sequence)
    return found


def behind(source: str, target: str) -> int:
    """Return how many transactions of the source the target lacks."""
    there, here = read(source), read(target)
    return sum(max(0, sequence - here.get(domain, 0)) for domain, sequence in there.items())


def parts(position: str) -> dict[int, str]:
    """Return the GTID of each domain."""
    found = (part.strip() for part in position.replace("\n", "").split(","))
    return {int(part.split("-")[0]): part for part in found if part}
