"""The submissions of a class: a folder or a zip, as Moodle gives it or as it comes. Nothing is unpacked onto the disk.

Who handed in is read from the folder (or from the name of the file, where Moodle puts it there), which no student
chooses; from the file itself only where the files of a class lie side by side.
"""

import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from course.teaching.grading.records import Student
from course.teaching.grading.submission import Odd, remark

MOODLE = re.compile(r"(?P<name>.+?)_(?P<participant>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)", re.DOTALL)
ENDS = (".json", ".ipynb")
LARGEST = 32 << 20  # bytes of a file
FILES = 20  # of a student that are read
ENTRIES = 20_000  # of a zip
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
    """The files below a folder; links are not followed, for they may lead anywhere."""
    folder.stat()  # raises where there is none; what follows would find nothing
    for path in sorted(folder.rglob("*")):
        where = path.relative_to(folder)
        kind = path.lstat().st_mode
        if not stat.S_ISDIR(kind):
            yield Entry(where.parts, lambda path=path, kind=kind: _of_file(path, kind))


def _of_file(path, kind):
    if not stat.S_ISREG(kind):
        raise Odd("link", file=path.name)
    with path.open("rb") as file:
        return _at_most(file, path.name)


def _at_most(file, name):
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Odd("large", file=name, size=LARGEST >> 20)
    return data


def _in_zip(opened):
    """The files in an open zip. Where they would be unpacked is no matter: their names only say whose they are."""
    for info in opened.infolist()[:ENTRIES]:
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
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Odd("broken-zip", file=info.filename) from error  # RuntimeError: it wants a password


def _unwrapped(entries):
    """The entries below the folder of the students' folders; a zip that holds a class stands for what is in it."""
    entries = [entry for entry in entries if not _hidden(entry)]
    entries = [inner for entry in entries for inner in _class_zip(entry)]
    entries = [entry for entry in entries if not _hidden(entry)]
    while (
        len({entry.path[0] for entry in entries}) == 1
        and not MOODLE.fullmatch(entries[0].path[0])
        and len({entry.path[1] for entry in entries if len(entry.path) > 2}) > 1
    ):
        entries = [Entry(entry.path[1:], entry.load) for entry in entries if len(entry.path) > 1]
    return entries


def _hidden(entry):
    """Whether a file is one that systems and editors put beside what somebody made."""
    return any(part.startswith((".", "__MACOSX")) for part in entry.path)


def _class_zip(entry):
    """The entries of a zip that lies beside the students' folders and holds such folders; else the entry itself."""
    if len(entry.path) > 1 or not entry.path[0].lower().endswith(".zip"):
        return [entry]
    try:
        inner = [*_in_zip(zipfile.ZipFile(io.BytesIO(entry.load())))]
    except (Odd, zipfile.BadZipFile):
        return [entry]  # whose it is says its name, and what is wrong is said with it
    folders = {one.path[0] for one in inner if len(one.path) > 1}
    return inner if any(map(MOODLE.fullmatch, folders)) or len(folders) > 1 else [entry]


def _students(entries):
    """(Student, whether its folder says who it is, [Entry, ...]) for each, in the order of their names."""
    groups = {}
    for entry in entries:
        groups.setdefault(_owner(entry), []).append(entry)
    for (name, participant, folder), files in sorted(groups.items()):
        yield Student(name, participant=participant, folder=folder), bool(participant), files


def _owner(entry):
    """Name, number among the participants, and folder of the student to whom a file belongs."""
    top = entry.path[0]
    if found := MOODLE.fullmatch(top):
        return found["name"], found["participant"], top.removesuffix(found["rest"]).rstrip("_")
    return (top, "", top) if len(entry.path) > 1 else (Path(top).stem, "", "")


def _loaded(student, certain, entries):
    """What one student handed in, its files read, those in zips as well."""
    files, remarks = [], []
    wanted = [entry for entry in entries if entry.path[-1].lower().endswith((*ENDS, ".zip"))]
    if not wanted:
        names = ", ".join(entry.path[-1] for entry in entries[:3])
        remarks.append(remark("no-file", look=True, files=names))
    for name, load in (pair for entry in wanted[:FILES] for pair in _opened(entry, DEPTH, remarks)):
        try:
            files.append((name, load()))
        except Odd as odd:
            remarks.append(remark(odd.slug, look=True, **odd.values))
        if sum(len(data) for _, data in files) > 2 * LARGEST:
            name, _ = files.pop()
            remarks.append(remark("large", look=True, file=name, size=LARGEST >> 20))
            break
    if len(wanted) > FILES or len(files) > FILES:
        remarks.append(remark("many-files", look=True, count=max(len(wanted), len(files)), read=FILES))
    return Handed(student, certain, tuple(files[:FILES]), tuple(remarks))


def _opened(entry, depth, remarks):
    """(name, what gives the bytes) of a file, or of each file in a zip that a student handed in."""
    name = entry.path[-1]
    if not name.lower().endswith(".zip"):
        yield name, entry.load
        return
    try:
        if not depth:
            raise Odd("deep-zip", file=name)
        inner = [*_in_zip(zipfile.ZipFile(io.BytesIO(entry.load())))]
    except Odd as odd:
        remarks.append(remark(odd.slug, look=True, **odd.values))
        return
    except zipfile.BadZipFile:
        remarks.append(remark("broken-zip", look=True, file=name))
        return
    wanted = [one for one in inner if one.path[-1].lower().endswith((*ENDS, ".zip"))]
    for one in [one for one in wanted if not _hidden(one)][:FILES]:
        yield from _opened(one, depth - 1, remarks)
