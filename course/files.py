"""The one way to write: whole or not at all. What was at a place before is there until the new is complete."""

import os
import shutil
from pathlib import Path


def write_whole(path, data):
    """Write `data` to `path`: bytes, a text (as UTF-8), or a function that makes a file or a folder at the place it is
    given. All of it is made beside `path`, synced to disk, and put in its place.

    Raises OSError where that fails; what was at `path` before is then still there, and nothing lies beside it.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    _remove(part)  # what a killed process of the same number may have left
    try:
        if callable(data):
            data(part)
        else:
            part.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        for file in [part] if part.is_file() else filter(Path.is_file, part.rglob("*")):
            with file.open("rb+") as written:
                os.fsync(written.fileno())
        _put(part, path)
    finally:
        _remove(part)


def _put(part, path):
    """Put `part` in the place of `path`. A folder cannot take the place of a full one at once: that is moved aside."""
    if not path.is_dir() or not part.is_dir():
        part.replace(path)
        return
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    path.replace(old)
    try:
        part.replace(path)
    except OSError:
        old.replace(path)
        raise
    _remove(old)


def _remove(path):
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
