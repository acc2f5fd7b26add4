"""The unprivileged user that database processes run as, and how it reaches its folders inside of a private one."""

import os
import stat
import struct
from pathlib import Path

from coldframe.core import process
from coldframe.core.process import Account

_NAME = "coldframe-db"
_ACL = "system.posix_acl_access"
_OWNER, _USER, _GROUP, _NAMED_GROUP, _MASK, _OTHER = 1, 2, 4, 8, 16, 32
_NOBODY = 0xFFFFFFFF


class NoAccount(Exception):
    """The user of database processes is missing and could not be made; the text says how to make it."""


def service_account() -> Account:
    """Return the user that database processes run as: one of their own when we are root, else ourselves.

    Raises NoAccount when root cannot make it.
    """
    if os.geteuid() != 0:
        return process.own_account()
    found = process.account_of(_NAME)
    if found is None:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        try:
            process.run([*command, _NAME])
        except (process.ProgramMissing, process.ProgramFailed) as problem:
            # Another server of this machine may have made it in the same moment.
            if process.account_of(_NAME) is None:
                raise NoAccount(f"make the user of databases: {' '.join(command)} {_NAME}") from problem
        found = process.account_of(_NAME)
    if found is None:
        raise NoAccount(f"useradd made no user {_NAME}")
    return found


def give(account: Account, path: Path) -> None:
    """Make a file or folder (not what is in it) the account's own."""
    if os.geteuid() == 0:
        os.chown(path, account.user, account.group, follow_symlinks=False)


def private_folder(account: Account, path: Path) -> Path:
    """Make a folder that only this account (and root) may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    give(account, path)
    return path


def let_through(account: Account, folder: Path) -> None:
    """Let the account pass, and only pass, the folders that lead to this one.

    Needed where the data directory lies below a home that nobody else may enter: the account gets an entry of its own
    in the access lists of those folders, nobody else gets anything. It is for every start: a chmod of such a folder
    cuts the mask of its list, and the entry with it.
    """
    if os.geteuid() != 0 or account.user == 0:
        return
    for parent in (folder, *folder.resolve().parents):
        about = parent.stat()
        if about.st_uid == account.user or stat.S_IMODE(about.st_mode) & stat.S_IXOTH:
            continue
        _allow_passing(parent, account.user, about.st_mode)


def _allow_passing(folder: Path, user: int, mode: int) -> None:
    try:
        listed = os.getxattr(folder, _ACL)
        entries = [entry for entry in struct.iter_unpack("<HHI", listed[4:]) if entry[0] != _MASK]
    except OSError:
        entries = [
            (_OWNER, mode >> 6 & 7, _NOBODY),
            (_GROUP, mode >> 3 & 7, _NOBODY),
            (_OTHER, mode & 7, _NOBODY),
        ]
    entries = [entry for entry in entries if (entry[0], entry[2]) != (_USER, user)] + [(_USER, 1, user)]
    mask = 0
    for tag, rights, _ in entries:
        mask |= rights if tag in {_USER, _GROUP, _NAMED_GROUP} else 0
    entries.append((_MASK, mask, _NOBODY))
    packed = b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries, key=lambda e: (e[0], e[2])))
    try:
        os.setxattr(folder, _ACL, struct.pack("<I", 2) + packed)
    except OSError:
        # A file system without access lists: passing (not listing, not reading) for everybody is what is left.
        folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
