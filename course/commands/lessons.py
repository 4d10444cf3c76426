"""`python -m course lessons --to DIR`: copies of the lessons to work in, so that the course stays as it is."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from course.commands import UserError, write_out

RECORD = ".lessons.json"  # in the folder of the copies: of each, the mark of the lesson that it was made from


@dataclass
class Copied:
    """What came of it: names of lessons, such as "further/01_gan_vae"."""

    new: list = field(default_factory=list)
    renewed: list = field(default_factory=list)  # nothing was done in the copy
    beside: list = field(default_factory=list)  # names of files: the new lesson lies beside the copy
    waiting: list = field(default_factory=list)  # there is a new lesson, and it was not asked for
    worked: list = field(default_factory=list)  # work was done in the course's own folder; the new copy has it


def add_to(commands):
    """Add `lessons` to the commands of the parser."""
    lessons = commands.add_parser(
        "lessons",
        help="copy the lessons into a folder of yours",
        description="Copy the lessons into a folder of yours to work in, so that the course stays as it is. What lies "
        "there already is never written over. With --update, lessons that have changed since come as well: in the "
        "place of a copy in which nothing was done, else beside it, as NAME.new.ipynb.",
        epilog="example: python -m course lessons --to ~/lessons",
    )
    lessons.add_argument("--to", type=Path, required=True, metavar="DIR", help="where the copies go")
    lessons.add_argument("--update", action="store_true", help="bring lessons that have changed since")
    lessons.set_defaults(main=main)


def main(chosen):
    """Copy what is not there yet, and say what. Raises UserError where there is nothing to copy, or no room."""
    from course.commands.publish.run import find

    folder = chosen.to.expanduser()
    lessons = {f"{'further/' * (path.parent.name == 'further')}{path.stem}": path for path in find([])}
    try:
        (folder / "further").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}; choose another") from error
    if any(folder.samefile(path.parent) for path in lessons.values()):
        raise UserError(f"{folder} holds the course's own lessons; choose another")
    done = copy(lessons, folder, chosen.update)
    print("\n".join(_report(done, folder)))
    return 0


def copy(lessons, folder, update):
    """Copy lessons, {name: path}, into a folder that is there, as `main` says. Returns Copied; raises UserError."""
    record, done = _record(folder), Copied()
    for name, path in lessons.items():
        target, data = folder / f"{name}.ipynb", path.read_bytes()
        if not target.exists():
            write_out(target, data, "--to")
            done.new.append(name)
            done.worked += [name] * has_run(data)
        elif not _changed(record.get(name), data, target):
            continue  # and the record stays: it may speak of the text only
        elif not update:
            done.waiting.append(name)
            continue
        elif record.get(name) == mark(target.read_bytes()):
            write_out(target, data, "--to")
            done.renewed.append(name)
        else:
            done.beside.append(_put_beside(target, data))
        record[name] = text_mark(data) if has_run(data) else mark(data)
    write_out(folder / RECORD, json.dumps(record, indent=1), "--to")
    return done


def has_run(data):
    """Whether somebody has run a notebook, given as bytes: as they ship, lessons have neither outputs nor counts."""
    cells = json.loads(data)["cells"]
    return any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def mark(data):
    """What tells a lesson, given as bytes, from every other version of it."""
    return hashlib.sha256(data).hexdigest()


def text_mark(data):
    """The same by its text alone: who works in a lesson changes the code."""
    text = ["".join(cell["source"]) for cell in json.loads(data)["cells"] if cell["cell_type"] == "markdown"]
    return f"text {mark(json.dumps(text).encode())}"


def _record(folder):
    """The marks that earlier copies have left, {name: mark}. Raises UserError where they cannot be read."""
    path = folder / RECORD
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}; remove it (every lesson then counts as changed)") from error


def _changed(known, data, target):
    """Whether a lesson is another than the one that its copy was made from."""
    if str(known).startswith("text "):
        return known != text_mark(data)
    return known != mark(data) and data != target.read_bytes()


def _put_beside(target, data):
    """Put a new lesson beside a copy that holds work; returns the name of its file."""
    ends = ["new", *(f"new{count}" for count in range(2, 100))]
    free = (target.with_suffix(f".{end}.ipynb") for end in ends)
    path = next(path for path in free if not path.exists() or path.read_bytes() == data)
    write_out(path, data, "--to")
    return path.name


def _report(done, folder):
    """What was done, line by line."""
    yield f"{len(done.new)} lesson{'s' * (len(done.new) != 1)} copied into {folder}; what was there is as it was"
    if done.worked:
        yield f"with the work that was done in notebooks/: {', '.join(done.worked)}"
        yield "go on in the copies; `git restore notebooks` makes the course clean again for `git pull`"
    if done.renewed:
        yield f"renewed, as nothing was done in the copy: {', '.join(done.renewed)}"
    if done.beside:
        yield f"new beside your own: {', '.join(done.beside)}"
    if done.waiting:
        yield f"changed since you copied them: {', '.join(done.waiting)}; --update brings the new ones beside your work"
