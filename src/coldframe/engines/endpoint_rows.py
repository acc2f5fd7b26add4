"""Rows of a result that are all of one length: how many there are is found by looking at all of their heads at once."""

# So many messages of one length, one after the other, make it likely that more are.
ALIKE = 4
# So many are looked at in the first step, and so many times more in each one after.
_FIRST, _MORE = 64, 8


def alike(data: bytes, at: int, step: int, offsets: tuple[int, ...]) -> int:
    """Return where a run of messages ends that begins at `at`, each `step` bytes long and whole, the first of which was looked at.

    A message belongs to it while its bytes at `offsets`, which tell its kind and length, are those of the first.
    """
    heads = [(offset, data[at + offset : at + offset + 1]) for offset in offsets]
    size, most, end = len(data), _FIRST, at + step
    while number := min(most, (size - end) // step):
        after = end + number * step
        for offset, head in heads:
            if data[end + offset : after : step] != head * number:
                return end
        end = after
        most *= _MORE
    return end
