"""What a learner has done: every answer and every check, kept in one small database in the user's own folder.

It only grows: an event is one row, written in one transaction, and everything else is read from the events. So two
notebooks may write at once, and a kernel that is killed loses nothing that was said to be noted. No torch is needed.
"""

import json
import os
import sqlite3
import time
import warnings
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from course.teaching.language import say

VERSION = 1  # of the table below; a file of a later one is set aside, not touched
COLUMNS = (
    "at REAL NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, answer TEXT NOT NULL, points INTEGER NOT NULL, "
    "out_of INTEGER NOT NULL"
)
DAY = 86_400
GAPS = (1, 3, 7, 21)  # days until a question that was missed comes back, by how often it was right since


@dataclass(frozen=True)
class Event:
    """One thing that was done. `points` of `out_of`; a guess that is only noted has out_of 0."""

    at: float  # seconds since 1970
    kind: str  # "guess", "answer" or "exercise"
    id: str  # "02-3", "02-q_sample"
    answer: str
    points: int
    out_of: int

    @property
    def right(self):
        """Whether all points were got."""
        return self.points == self.out_of


def place():
    """The file: COURSE_PROGRESS where that is set, else in the user's data folder."""
    if os.environ.get("COURSE_PROGRESS"):
        return Path(os.environ["COURSE_PROGRESS"]).expanduser()
    from platformdirs import user_data_path

    return user_data_path("noise-to-images") / "progress.sqlite3"


def _open(path, make=False):
    """A connection to a sound file of this version; with `make`, a new file becomes one.

    Raises sqlite3.OperationalError where there is no room, no right, or a lock for long, and its parent DatabaseError
    for a file that cannot be used.
    """
    found = _version(path)
    if found < VERSION and not make:
        raise sqlite3.DatabaseError("it is new")
    base = sqlite3.connect(path, timeout=30)
    if found < VERSION:
        base.execute("PRAGMA journal_mode = WAL")
        with base:
            base.execute("BEGIN IMMEDIATE")
            base.execute(f"CREATE TABLE events ({COLUMNS})")
            base.execute(f"PRAGMA user_version = {VERSION}")
    return base


def _version(path):
    """The version of a sound file, 0 for a new one. Only looks: opened to write, SQLite would merge or delete a -wal.

    Raises sqlite3.DatabaseError for a file that cannot be used.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if head and head != b"SQLite format 3\0":
            raise sqlite3.DatabaseError("it is no database")
        return _looked_at(path) if head else 0
    except (FileNotFoundError, sqlite3.OperationalError):
        if path.exists():
            raise
        return 0  # there is none, or another process has just set it aside


def _looked_at(path):
    """The version of a file that begins as a database does."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as base:
        found = base.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise sqlite3.DatabaseError("a later version of the course has written it")
        if (sound := base.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(sound)
        columns = [column[1] for column in base.execute("PRAGMA table_info(events)")]
        if columns != (list(Event.__annotations__) if found else []):
            raise sqlite3.DatabaseError("another program has made it")
    return found


def _begin(path):
    """A connection to a new file. One that cannot be used moves to a name of its own with all that belongs to it.

    Nothing is deleted. Of several processes one does so, and the others find what it has made.
    """
    lock = sqlite3.connect(path.with_name(path.name + ".lock"), timeout=30)
    try:
        lock.execute("BEGIN EXCLUSIVE")  # let go by the system, too, where this process is killed
        try:
            return _open(path, make=True)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as reason:
            aside = path.with_name(f"{path.name}.aside-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
            for end in ("-journal", "-wal", "-shm", ""):  # the file last: nothing may be left beside a new one
                if (part := path.with_name(path.name + end)).exists():
                    part.replace(aside.with_name(aside.name + end))
            said = say("progress.set-aside", path=path, reason=reason, name=aside.name)
            warnings.warn(said, stacklevel=5)
            return _open(path, make=True)
    finally:
        lock.close()


@contextmanager
def _base(path=None):
    """The database, open for as long as the block lasts. Raises OSError where it cannot be read or written."""
    path = Path(path or place())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            base = _open(path)
        except sqlite3.OperationalError:  # the file itself may be sound
            raise
        except sqlite3.DatabaseError:
            base = _begin(path)
        try:
            with base:
                yield base
        finally:
            base.close()
    except (sqlite3.DatabaseError, OSError) as error:
        raise OSError(f"what you did cannot be kept in {path}: {error}") from error


def note(kind, id, answer, points=0, out_of=0, path=None):
    """Keep one event, from now. It is on the disk when this returns. Raises OSError where that fails."""
    event = Event(time.time(), kind, id, answer if isinstance(answer, str) else json.dumps(answer), points, out_of)
    with _base(path) as base:
        row = (event.at, event.kind, event.id, event.answer, event.points, event.out_of)
        base.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
    return event


def events(id=None, path=None):
    """All events, the oldest first, or those of one question or exercise. Raises OSError."""
    if not Path(path or place()).exists():
        return []
    with _base(path) as base:
        rows = base.execute("SELECT * FROM events WHERE ?1 IS NULL OR id = ?1 ORDER BY at, rowid", (id,)).fetchall()
    return [Event(*row) for row in rows]


def best(found):
    """The most points that each question and exercise of a list of events ever got: {id: points}."""
    points = {}
    for event in found:
        if event.kind != "guess":
            points[event.id] = max(points.get(event.id, 0), event.points)
    return points


def due(found, now=None):
    """The questions to repeat, the longest overdue first: those missed once, until they were right often enough.

    A question that was right at once never comes back. A missed one comes after 1 day, then 3, 7 and 21 days after each
    time that it was right; what is repeated sooner does not count, and a new miss begins anew.
    """
    now, stage, last = time.time() if now is None else now, {}, {}
    for event in found:
        if event.kind != "answer":
            continue
        k = stage.get(event.id)
        if not event.right:
            stage[event.id], last[event.id] = 0, event.at
        elif k is not None and k < len(GAPS) and event.at - last[event.id] >= GAPS[k] * DAY:
            stage[event.id], last[event.id] = k + 1, event.at
    overdue = {id: now - last[id] - GAPS[k] * DAY for id, k in stage.items() if k < len(GAPS)}
    return sorted((id for id, late in overdue.items() if late >= 0), key=overdue.get, reverse=True)
