"""docs/services has a page for each service, which says what the folder says and lists what it really has.

The generated part comes from the folder's docstring, service.toml, the functions and AWS's model:
`python -m tools.structure --write`. Prose before and after it is kept.
"""

import ast
from pathlib import Path

from tools.structure import tree
from tools.structure.services import Service, services

FOLDER = Path("docs/services")
BEGIN = "<!-- operations: written by `python -m tools.structure --write` -->"
END = "<!-- end of operations -->"


def check(root: Path) -> list[str]:
    """Compare every page with what would be written."""
    problems = []
    for service in services(root):
        page = _page(root, service)
        if not page.is_file():
            problems.append(
                tree.at(root, page, 1, "the service has no page: python -m tools.structure --write")
            )
        elif tree.text(page) != _written(service, tree.text(page)):
            line = tree.line_of(tree.text(page), BEGIN)
            problems.append(tree.at(root, page, line, "is stale: python -m tools.structure --write"))
    return problems


def write(root: Path) -> list[Path]:
    """Write the generated part of every page that is stale, and the whole page where there is none."""
    written = []
    for service in services(root):
        page = _page(root, service)
        before = tree.text(page)
        after = _written(service, before)
        if after != before:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(after, encoding="utf-8")
            written.append(page.relative_to(root))
    return written


def _page(root: Path, service: Service) -> Path:
    return root / FOLDER / f"{service.name}.md"


def _written(service: Service, before: str) -> str:
    table = f"{BEGIN}\n{_opening(service)}{_table(service)}\n{END}"
    if BEGIN in before and END in before:
        head, _, rest = before.partition(BEGIN)
        return head + table + rest.partition(END)[2]
    title = before.strip() or f"# {service.full_name}"
    return f"{title}\n\n{table}\n"


def _opening(service: Service) -> str:
    said = ast.get_docstring(tree.syntax(service.folder / "__init__.py"))
    return f"{said}\n\n## Operations\n\n" if said else ""


def _table(service: Service) -> str:
    built = service.built()
    rows = [
        f"{len(built)} of {len(service.operations)} operations are built; the others answer HTTP 501 with the remark.",
        "",
        "| operation | state |",
        "| --- | --- |",
    ]
    rows += [f"| {name} | built |" for name in service.operations if name in built]
    rows += [
        f"| {name} | 501: {service.remark(name) or 'not built'} |"
        for name in service.operations
        if name not in built
    ]
    return "\n".join(rows)
