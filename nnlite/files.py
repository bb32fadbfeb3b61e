"""Files that are either complete or not there."""

import contextlib
import os
import platform
import re
import secrets
import stat
import time
from pathlib import Path

MACHINE = platform.node()
# An unfinished file is called <name>.<process>@<machine>.<random>.part
PART = re.compile(r"\.(\d{1,9})@(.*)\.[0-9a-f]{16}\.part")
MINUTE, DAY = 60, 24 * 60 * 60  # seconds


@contextlib.contextmanager
def replace_when_done(path):
    """Open `path` for writing bytes, under a temporary name until all is written.

    A reader never meets half a file, nor parts of two that were written at the same time, and what
    was there before is kept if writing fails.  An old file's mode is kept; where `path` is a link,
    the file that it leads to is replaced.  What a killed process left in the folder is removed.
    Raises FileNotFoundError if the folder does not exist, ValueError if `path` is not a file.
    """
    path = Path(os.path.realpath(as_path(path)))
    check_replaceable(path)
    remove_leftovers(path.parent)
    # Nobody can guess the name, and "x" opens no link or file that is there already.
    unique = f"{os.getpid()}@{MACHINE}.{secrets.token_hex(8)}.part"
    part = path.with_name(f"{path.name[:30]}.{unique}")
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # on the disk before it takes the other's name
        with contextlib.suppress(FileNotFoundError):
            os.chmod(part, stat.S_IMODE(path.stat().st_mode))
        os.replace(part, path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def as_path(path):
    """Return the name of a file as a Path; ValueError for anything else."""
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"{path!r} is not the name of a file; pass a text or a pathlib.Path")
    return Path(path)


def check_replaceable(path):
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is a device or a pipe; give the name of a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist; create it first")


def remove_leftovers(folder):
    """Remove unfinished files of processes that are gone.

    Nobody here knows whether a process of another machine still writes to a folder that is shared,
    nor whether a number that is in use belongs to the same process: those files may stay a day.  A
    container may call itself by the name of its machine and not see all of its processes: a file
    that was written to within a minute stays.
    """
    for left in folder.glob("*.part"):
        if found := PART.search(left.name):
            process, machine = int(found[1]), found[2]
            with contextlib.suppress(OSError):  # somebody else was quicker
                age = time.time() - left.lstat().st_mtime
                gone = machine == MACHINE and not runs(process)
                if age > DAY or (gone and age > MINUTE):
                    left.unlink()


def runs(process):
    """Whether there is a process of this number on this machine; True where nobody can tell."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)  # no signal, only the question
    except ProcessLookupError:
        return False
    except PermissionError:  # there is, of another user
        pass
    return True


def sync_folder(folder):
    """Bring the names in a folder to the disk too, where the system knows how."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
