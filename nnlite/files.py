"""Files that are either complete or not there."""

import contextlib
import os
from pathlib import Path


@contextlib.contextmanager
def replace_when_done(path):
    """Open `path` for writing bytes, under a temporary name until all is written.

    A reader never meets half a file, and what was there before is kept if writing fails.
    Raises FileNotFoundError if the folder does not exist, ValueError if `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist; create it first")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # on the disk before it takes the other's name
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
