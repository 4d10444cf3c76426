"""The one way to write: whole or not at all. What was at a place before is there until the new is complete."""

import os
import shutil
from pathlib import Path
from uuid import uuid4


def write_whole(path, data):
    """Write `data` to `path`: bytes, a text (as UTF-8), or a function that makes a file or a folder at the place it is
    given. All of it is made beside `path`, synced to disk, and put in its place. A link is followed.

    Raises OSError where that fails; what was at `path` before is then still there, and nothing lies beside it. A folder
    takes the place of another by two renames: killed between them, the old one lies beside as .NAME.old, and the next
    write puts it back first; so no two processes may write one folder.
    """
    path = Path(os.path.realpath(path))
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    _mend(path)
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


def _old(path):
    return path.with_name(f".{path.name}.old")


def _mend(path):
    """Finish what a killed process may have left half done."""
    if _old(path).exists():
        if path.exists():
            _remove(_old(path))
        else:
            _old(path).replace(path)


def _put(part, path):
    """Put `part` in the place of `path`. A folder cannot take the place of a full one at once: that is moved aside."""
    if not path.is_dir() or not part.is_dir():
        part.replace(path)
        return
    try:
        path.replace(_old(path))
        part.replace(path)
    except BaseException:  # Ctrl-C, too
        if not path.exists():
            _old(path).replace(path)
        raise
    _remove(_old(path))


def _remove(path):
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
