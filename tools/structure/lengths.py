"""How long the files of each folder are: median and 90th percentile, so that drift is seen, and those to look at again."""

from pathlib import Path
from statistics import median

from tools.structure import tree

AGAIN = 300


def report(root: Path) -> str:
    """Return a table of folders, and the files over 300 lines, which are no errors but worth a look."""
    lines: dict[str, list[int]] = {}
    long: list[tuple[int, Path]] = []
    for path in tree.python(root):
        count = len(tree.text(path).splitlines())
        lines.setdefault(_folder(path.relative_to(root)), []).append(count)
        if count > AGAIN:
            long.append((count, path.relative_to(root)))
    rows = [f"{'folder':<34}{'files':>6}{'lines':>8}{'median':>8}{'p90':>6}{'max':>6}"]
    for folder, counts in sorted(lines.items()):
        rows.append(
            f"{folder:<34}{len(counts):>6}{sum(counts):>8}{median(counts):>8.0f}{p90(counts):>6}{max(counts):>6}"
        )
    rows += [f"over {AGAIN} lines, worth a second look: {path} ({count})" for count, path in sorted(long)]
    return "\n".join(rows)


def p90(counts: list[int]) -> int:
    """Return the smallest count that at least nine files in ten do not exceed."""
    ordered = sorted(counts)
    return ordered[max(0, -(-len(ordered) * 9 // 10) - 1)]


def _folder(path: Path) -> str:
    """Group by part: `src/coldframe/gateway`, `src/coldframe/services/logs`, else the two outermost folders."""
    parts = path.parent.parts
    if parts[:1] == ("src",):
        return "/".join(parts[: 4 if "services" in parts or "engines" in parts else 3])
    return "/".join(parts[:2]) or "."
