"""`coldframe keys show`: the tree of keyrings, as `keyctl show` draws it, with the protection of each key."""

import argparse

from coldframe.cli.keys import chosen_key


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "keyring", metavar="KEYRING", nargs="?", default="@s", help="where to begin (default: @s)"
    )


def run(chosen: argparse.Namespace) -> int:
    """Draw the tree."""
    from coldframe import keys
    from coldframe.keys.tree import walk

    service = chosen_key.service()
    ring = keys.named(chosen.keyring, service)
    if chosen.keyring == "@s" and keys.session_is_default(service):
        ring = keys.named("@us", service)
    rows = []
    for node in walk(ring):
        name = f"{node.kind}: {node.description}" if node.kind else f"({node.problem})"
        branch = "   " * (node.depth - 1) + "\\_ " if node.depth else ""
        kept = "" if node.kind == "keyring" or node.problem else node.protection.value
        if node.bits:
            kept += f" (RSA {node.bits})"
        if node.expires not in {"", "perm"}:
            kept += f"{', ' if kept else ''}{'has expired' if node.expires == 'expd' else 'expires in ' + node.expires}"
        rows.append(
            (
                f"{node.serial:>10}",
                node.permissions[:8],
                f"{node.uid:>6}" if node.uid >= 0 else " " * 6,
                branch + name,
                kept,
            )
        )
    width = max(len(row[3]) for row in rows)
    for serial, permissions, uid, name, kept in rows:
        print(f"{serial}  {permissions:<8} {uid}  {name:<{width}}  {kept}".rstrip())
    return 0
