"""The submissions of a class: a folder or a zip, as Moodle gives it or as it comes. Nothing is unpacked onto the disk.

Who handed in is read from the folder (or from the name of the file, where Moodle puts it there), which no student
chooses; from the file itself only where the files of a class lie side by side.
"""

import hashlib
import io
import re
import stat
import zipfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from course.teaching.grading.records import Student
from course.teaching.grading.submission import Odd, remark, short

MOODLE = re.compile(r"(?P<name>.+?)_(?P<participant>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)", re.DOTALL)
ENDS = (".json", ".ipynb")
LARGEST = 32 << 20  # bytes of a file
FILES = 20  # of a student that are read, and as many zips that are opened
ENTRIES = 20_000  # of a student's zip
DEPTH = 2  # zips in zips


@dataclass(frozen=True)
class Entry:
    """A file somewhere below the folder: where it lies, and what gives its bytes or raises Odd."""

    path: tuple
    load: Callable


@dataclass(frozen=True)
class Handed:
    """What one student handed in: [(name of a file, its bytes), ...], and what is odd about it. `certain`: whether
    Moodle says who it is, or only the student."""

    student: Student
    certain: bool
    files: tuple
    remarks: tuple = ()

    @property
    def key(self):
        """What tells this from everything else that is handed in."""
        whole = hashlib.sha256(repr((self.student, self.certain, self.remarks)).encode("utf-8", "surrogatepass"))
        for name, data in self.files:
            whole.update(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest() + hashlib.sha256(data).digest())
        return whole.hexdigest()


def handed_in(place):
    """What each student handed in, a Handed each, in the order of their names; only one is in memory at a time.

    `place` is a folder or a zip. Raises OSError where it cannot be read, zipfile.BadZipFile for a zip that is broken.
    """
    place = Path(place)
    with zipfile.ZipFile(place) if place.is_file() else _Nothing() as opened:
        entries = _in_zip(opened) if opened else [*_in_folder(place)]
        for student, certain, files in _students(_unwrapped(entries)):
            yield _loaded(student, certain, files)


class _Nothing:
    """In the place of a zip, where a folder is read."""

    def __enter__(self):
        return None

    def __exit__(self, *_):
        return False


def _in_folder(folder):
    """The files below a folder, and what stands for a folder that has none; links are not followed, for they may lead
    anywhere."""
    folder.stat()  # raises where there is none; what follows would find nothing
    for path in sorted(folder.rglob("*")):
        where = path.relative_to(folder)
        kind = path.lstat().st_mode
        if not stat.S_ISDIR(kind):
            yield Entry(where.parts, lambda path=path, kind=kind: _of_file(path, kind))
        elif _empty(path):
            yield Entry((*where.parts, ""), None)


def _empty(folder):
    try:
        return not any(folder.iterdir())
    except OSError:  # nobody may look into it
        return True


def _of_file(path, kind):
    if not stat.S_ISREG(kind):
        raise Odd("link", file=path.name)
    try:
        with path.open("rb") as file:
            return _at_most(file, path.name)
    except OSError as error:
        raise Odd("no-access", file=path.name) from error


def _at_most(file, name):
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Odd("large", file=name, size=LARGEST >> 20)
    return data


def _zipped(data, name):
    """The files in a zip, given as bytes. Raises Odd for none that can be opened."""
    if (count := data.count(b"PK\x01\x02")) > ENTRIES:  # so many begin an entry of its list, which is read as a whole
        raise Odd("many-files", count=count, read=0)
    try:
        return [*_in_zip(zipfile.ZipFile(io.BytesIO(data)))]
    except Exception as error:  # what a stranger made may go wrong in any way
        raise Odd("broken-zip", file=name) from error


def _in_zip(opened):
    """The files in an open zip. Where they would be unpacked is no matter: their names only say whose they are."""
    for info in opened.infolist():
        parts = tuple(part for part in PurePosixPath(info.filename.replace("\\", "/")).parts if part not in ("..", "/"))
        if not info.is_dir() and parts:
            yield Entry(parts, lambda info=info: _of_zip(opened, info))


def _of_zip(opened, info):
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Odd("link", file=info.filename)
    try:
        with opened.open(info) as file:
            return _at_most(file, info.filename)
    except Odd:
        raise
    except Exception as error:  # it is broken, or wants a password: each way to pack has errors of its own
        raise Odd("broken-zip", file=info.filename) from error


def _unwrapped(entries):
    """The entries below the folder of the students' folders; a zip that holds a class stands for what is in it."""
    entries = _in_sight(_class_zips(_in_sight(entries)))
    while (
        len({entry.path[0] for entry in entries}) == 1
        and not MOODLE.fullmatch(entries[0].path[0])
        and len({entry.path[1] for entry in entries if len(entry.path) > 2 and not _hidden(entry.path[1:])}) > 1
    ):
        entries = _in_sight(Entry(entry.path[1:], entry.load) for entry in entries if len(entry.path) > 1)
    return entries


def _in_sight(entries):
    """Those that do not lie in a hidden folder at the top: whose they are would be nobody."""
    return [entry for entry in entries if not _hidden(entry.path[:1])]


def _hidden(parts):
    """Whether a file is none that somebody hands in: what systems and editors put beside."""
    return any(part.startswith((".", "__MACOSX")) for part in parts)


def _class_zips(entries):
    """The entries of zips that hold a class, where nothing that is handed in lies beside them: there a zip is a
    student's, who may name folders in it as those of others."""
    found, files = [], [entry for entry in entries if entry.path[-1].lower().endswith((*ENDS, ".zip"))]
    for entry in files:
        inner = _class_zip(entry, alone=len(files) == 1)
        if not inner:
            return entries
        found += inner
    return found or entries


def _class_zip(entry, alone):
    """The entries of a zip that holds the folders of students; those of any names where it lies alone."""
    if len(entry.path) > 1 or not entry.path[0].lower().endswith(".zip"):
        return []
    try:
        inner = _zipped(entry.load(), entry.path[0])
    except Odd:
        return []  # whose it is says its name, and what is wrong is said with it
    folders = {one.path[0] for one in inner if len(one.path) > 1}
    return inner if any(map(MOODLE.fullmatch, folders)) or (alone and len(folders) > 1) else []


def _students(entries):
    """(Student, whether its folder says who it is, [Entry, ...]) for each, in the order of their names."""
    groups = {}
    for entry in entries:
        groups.setdefault(_owner(entry), []).append(entry)
    for (name, participant, folder), files in sorted(groups.items()):
        yield Student(short(name), participant=participant, folder=short(folder)), bool(participant), files


def _owner(entry):
    """Name, number among the participants, and folder of the student to whom a file belongs."""
    top = entry.path[0]
    if found := MOODLE.fullmatch(top):
        return found["name"], found["participant"], top.removesuffix(found["rest"]).rstrip("_")
    return (top, "", top) if len(entry.path) > 1 else (Path(top).stem, "", "")


def _loaded(student, certain, entries):
    """What one student handed in, its files read, those in zips as well."""
    files, remarks, todo = [], [], deque((entry, DEPTH) for entry in _wanted(entries))
    if not todo:
        names = ", ".join(entry.path[-1] for entry in entries[:3])
        remarks.append(remark("no-file", look=True, files=short(names)))
    left = {"file": FILES, "zip": FILES}
    while todo and all(left.values()):
        entry, depth = todo.popleft()
        name = entry.path[-1]
        kind = "zip" if name.lower().endswith(".zip") else "file"
        left[kind] -= 1
        try:
            if not depth and kind == "zip":
                raise Odd("deep-zip", file=name)
            data = entry.load()
            if kind == "zip":
                todo.extendleft((one, depth - 1) for one in reversed(_wanted(_zipped(data, name))))
            elif sum(len(other) for _, other in files) + len(data) > 2 * LARGEST:
                raise Odd("large", file=name, size=LARGEST >> 20)
            else:
                files.append((short(name), data))
        except Odd as odd:
            remarks.append(remark(odd.slug, look=True, **odd.values))
    if todo:
        remarks.append(remark("many-files", look=True, count=FILES - left["file"] + len(todo), read=FILES))
    return Handed(student, certain, tuple(files), tuple(remarks))


def _wanted(entries):
    """Those that may be a submission, or hold one."""
    ends = (*ENDS, ".zip")
    return [one for one in entries if one.path[-1].lower().endswith(ends) and not _hidden(one.path)]
