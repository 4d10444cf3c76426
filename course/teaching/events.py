"""What a learner has done: every answer and every check, kept in one small database in the user's own folder.

It only grows: an event is one row, written in one transaction, and everything else is read from the events. So two
notebooks may write at once, and a kernel that is killed loses nothing that was said to be noted. No torch is needed.

The folder may lie on a network, where locks fail or never come and a -wal cannot be shared: so the journal is SQLite's
plain one, and a kernel waits for PATIENCE seconds once, not for each answer.
"""

import json
import os
import sqlite3
import threading
import time
import warnings
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from urllib.parse import quote

from course.teaching.language import say
from course.teaching.place import place

PATIENCE = 5  # seconds for a place to answer; a lock has come after 0.8 of them, or does not come
VERSION = 1  # of the table below; a file of a later one is set aside, not touched
COLUMNS = (
    "at REAL NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, answer TEXT NOT NULL, points INTEGER NOT NULL, "
    "out_of INTEGER NOT NULL"
)
# A thread that came late may have written a row already.
ADD = """
INSERT INTO events SELECT ?1, ?2, ?3, ?4, ?5, ?6
WHERE NOT EXISTS (SELECT 1 FROM events WHERE (at, kind, id, answer, points, out_of) = (?1, ?2, ?3, ?4, ?5, ?6))
"""
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


_lost = []  # (place, Event) of what this kernel could not keep
_said = {}  # place: why nothing is kept there, as this kernel has said it
_silent = {}  # place: the thread that waits there, or None where a lock did not come; it is not waited for again


def _open(path, patience, make=False):
    """A connection to a sound file of this version; with `make`, a new file becomes one.

    Raises sqlite3.OperationalError where there is no room, no right, or a lock for long, and its parent DatabaseError
    for a file that cannot be used.
    """
    found = _version(path, patience)
    if found < VERSION and not make:
        raise sqlite3.DatabaseError("it is new")
    base = sqlite3.connect(path, timeout=patience)
    if found < VERSION:
        with base:
            base.execute("BEGIN IMMEDIATE")
            base.execute(f"CREATE TABLE events ({COLUMNS})")
            base.execute(f"PRAGMA user_version = {VERSION}")
    return base


def _version(path, patience):
    """The version of a sound file, 0 for a new one. Only looks: opened to write, SQLite would merge or delete a -wal.

    Raises sqlite3.DatabaseError for a file that cannot be used.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
        if head and not head.startswith(b"SQLite format 3\0"):
            raise sqlite3.DatabaseError("it is no database")
        if int.from_bytes(head[60:]) > VERSION:
            raise sqlite3.DatabaseError("a later version of the course has written it")
        _roll_back(path, patience)
        return _looked_at(path, patience) if head else 0
    except (FileNotFoundError, sqlite3.OperationalError):
        if path.exists():
            raise
        return 0  # there is none, or another process has just set it aside


def _roll_back(path, patience):
    """Undo what a killed writer has left half done: SQLite does not let those do so who only look."""
    if path.with_name(path.name + "-journal").exists():
        with closing(sqlite3.connect(path, timeout=patience)) as base:
            base.execute("PRAGMA schema_version").fetchone()


def only_to_read(path):
    """The URI of a file that SQLite is only to look at. Never with two slashes before it, as `Path.as_uri` writes those
    of a Windows share: what follows them would be a host, which SQLite refuses."""
    return f"file:{quote(os.fsencode(path), safe='')}?mode=ro"


def _looked_at(path, patience):
    """The version of a file that begins as a database does."""
    with closing(sqlite3.connect(only_to_read(path), uri=True, timeout=patience)) as base:
        found = base.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise sqlite3.DatabaseError("a later version of the course has written it")
        if (sound := base.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(sound)
        columns = [column[1] for column in base.execute("PRAGMA table_info(events)")]
        if columns != (list(Event.__annotations__) if found else []):
            raise sqlite3.DatabaseError("another program has made it")
    return found


def _begin(path, patience, warned):
    """A connection to a new file. One that cannot be used moves to a name of its own with all that belongs to it.

    Nothing is deleted, and `warned` gets the sentence that says so. Of several processes one does it, and the others
    find what it has made.
    """
    lock = sqlite3.connect(path.with_name(path.name + ".lock"), timeout=patience)
    try:
        lock.execute("BEGIN EXCLUSIVE")  # let go by the system, too, where this process is killed
        try:
            return _open(path, patience, make=True)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as reason:
            aside = path.with_name(f"{path.name}.aside-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
            for end in ("-journal", "-wal", "-shm", ""):  # the file last: nothing may be left beside a new one
                if (part := path.with_name(path.name + end)).exists():
                    part.replace(aside.with_name(aside.name + end))
            warned.append(say("progress.set-aside", path=path, reason=reason, name=aside.name))
            return _open(path, patience, make=True)
    finally:
        lock.close()


def _done(path, work, patience, warned):
    """What `work(base)` gives, in a transaction of the database at `path`, which is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        base = _open(path, patience)
    except sqlite3.OperationalError:  # the file itself may be sound
        raise
    except sqlite3.DatabaseError:
        base = _begin(path, patience, warned)
    with closing(base):
        _leave_wal(base, patience)
        with base:
            return work(base)


def _leave_wal(base, patience):
    """Give a file of the first versions of the course the plain journal, where nobody else has it open just now."""
    if base.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        base.execute("PRAGMA busy_timeout = 0")
        try:
            base.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as busy:
            if busy.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        base.execute(f"PRAGMA busy_timeout = {1000 * patience:.0f}")


def _refuse_waiting(path):
    if (waiting := _silent.get(path)) and waiting.is_alive():
        raise TimeoutError("it does not answer")


def _patiently(path, work):
    """What `work(patience)` gives, in PATIENCE seconds at most; at once, where this path has been silent before.

    It runs in a thread, as a lock on a network may neither come nor fail. Raises TimeoutError, or what `work` raises.
    """
    came = []

    def run():
        try:
            came.append((work(0 if path in _silent else 0.8 * PATIENCE), None))
        except Exception as error:  # for the one who waits
            came.append((None, error))

    _refuse_waiting(path)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not came:
        _silent[path] = thread
        raise TimeoutError("it does not answer")
    value, error = came[0]
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL):
        _silent[path] = None
    elif error is None:
        _silent.pop(path, None)
    if error:
        raise error
    return value


def _in_base(path, work):
    """What `work(base)` gives. Raises OSError in one line where the database cannot be read or written."""
    path, warned = Path(path or place()), []
    try:
        return _patiently(path, lambda patience: _done(path, work, patience, warned))
    except (sqlite3.DatabaseError, OSError) as error:
        raise OSError(say("progress.unkept", path=path, reason=error)) from error
    finally:
        for said in warned:
            warnings.warn(said, stacklevel=3)


def note(kind, id, answer, points=0, out_of=0, path=None):
    """Keep one event, from now, and with it what this kernel could not keep there before. It is on the disk when this
    returns. Raises OSError where that fails."""
    event = Event(time.time(), kind, id, answer if isinstance(answer, str) else json.dumps(answer), points, out_of)
    here = _where(path)
    _lost.append((here, event))  # until it is kept
    waiting = [lost for lost in _lost if lost[0] == here]

    def work(base):
        for _, one in waiting:
            base.execute(ADD, astuple(one))

    _in_base(path, work)
    _lost[:] = [lost for lost in _lost if lost not in waiting]
    _said.pop(here, None)
    return event


def keep(kind, id, answer, points=0, out_of=0):
    """Keep one event; what a learner is to be told of it, as (key, values) of `say`: nothing, (), where it is kept, the
    reason where it is not, and from the second time on only that it is not."""
    try:
        note(kind, id, answer, points, out_of)
    except OSError as error:
        return told(error)
    return ()


def told(error):
    """What a learner is to be told of an error by which something was not kept, as (key, values) of `say`."""
    where, reason = _where(), str(error)
    again = _said.get(where) == reason
    _said[where] = reason
    return ("progress.lost-again", {}) if again else ("progress.lost", {"reason": reason})


def _where(path=None):
    """The place that is asked for, or None where there is none."""
    try:
        return Path(path or place())
    except OSError:
        return None


def events(id=None, path=None):
    """All events, the oldest first, or those of one question or exercise. Raises OSError."""
    path = Path(path or place())
    if not path.exists():
        return []
    asked = "SELECT * FROM events WHERE ?1 IS NULL OR id = ?1 ORDER BY at, rowid"
    return [Event(*row) for row in _in_base(path, lambda base: base.execute(asked, (id,)).fetchall())]


def history(id):
    """What is known of one question or exercise, the oldest first: what is kept, and what this kernel could not keep.

    A file that cannot be read adds nothing: `keep` says so with the next answer.
    """
    here = _where()
    try:
        kept = events(id)
    except OSError:
        kept = []
    lost = [event for where, event in _lost if (where, event.id) == (here, id)]
    return sorted({*kept, *lost}, key=lambda event: event.at)  # what was late may be both


def misses(found):
    """How often in a row, up to now, an answer or a check in a list of events of one id was not right."""
    tries = [event.right for event in found if event.kind != "guess"]
    return [*reversed(tries), True].index(True)


def right_at(found):
    """When it was right last, in seconds since 1970, in a list of events of one id; None where it never was."""
    return max((event.at for event in found if event.kind != "guess" and event.right), default=None)


def trouble(path=None):
    """Why answers cannot be kept on this machine, in one line; "" where they can. Makes nothing, and moves nothing."""
    try:
        path = Path(path or place())
        _refuse_waiting(path)
        if path.exists():
            _patiently(path, lambda patience: _try(path, patience))
            return ""
        folder = next((above for above in path.absolute().parents if above.exists()), path)  # a drive may be missing
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return ""
        return say("progress.unkept", path=path, reason=say("progress.no-writing", path=folder))
    except (sqlite3.OperationalError, OSError) as error:
        return say("progress.unkept", path=path, reason=error) if path else str(error)
    except sqlite3.DatabaseError as error:
        return say("progress.unusable", path=path, reason=error)


def _try(path, patience):
    """Whether this file is sound and lets itself be written, without a change to it; raises where it is not."""
    if _version(path, patience):
        with closing(sqlite3.connect(path, timeout=patience)) as base:
            base.execute("BEGIN IMMEDIATE")
            base.rollback()
    elif not os.access(path, os.W_OK):
        raise PermissionError(say("progress.no-writing", path=path))


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
