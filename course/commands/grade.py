"""`python -m course grade FOLDER`: mark what a class has handed in."""

import os
import zipfile
from contextlib import contextmanager
from pathlib import Path

from course.commands import UserError, whole_number, write_out
from course.commands.export import math_font
from course.teaching.language import LANGUAGES


def add_to(commands):
    """Add `grade` to the commands of the parser."""
    grade = commands.add_parser(
        "grade",
        help="mark what a class has handed in",
        description="Mark the submissions in a folder or a zip: what `course submit` packs, or notebooks as they are; "
        "one folder a student, the zip of a Moodle, or files side by side. Each student's functions run shut in by "
        "bubblewrap, and what they give is judged outside. Killed and started again, it goes on where it was.",
        epilog="example: python -m course grade submissions.zip --out marks/",
    )
    grade.add_argument("folder", type=Path, metavar="FOLDER", help="a folder or a zip")
    grade.add_argument("--out", type=Path, required=True, metavar="DIR", help="where marks and pages go")
    grade.add_argument(
        "--lang",
        choices=LANGUAGES,
        help="of all that is written (default: pages in both, all else in English)",
    )
    grade.add_argument("--variant", default="", metavar="SECRET", help="the secret of a class with numbers of its own")
    grade.add_argument("--jobs", type=whole_number(1, 64), metavar="N", help="processes (default: one for each core)")
    grade.add_argument("--scheduler", metavar="ADDRESS", help="use the workers of this Dask scheduler")
    grade.add_argument("--trust", action="store_true", help="run what was handed in without a sandbox")
    grade.set_defaults(main=main)


def main(chosen):
    """Mark everything, and write what comes of it. Raises UserError where nothing can be read, run or written."""
    from course.teaching.grading import batch, gather, sandbox
    from course.teaching.grading.judging import Rules

    trouble = "" if chosen.trust or chosen.scheduler else sandbox.trouble()
    if trouble:
        raise UserError(trouble)
    out = chosen.out
    if out.resolve().is_relative_to(chosen.folder.resolve()):
        raise UserError(f"{out} lies in {chosen.folder}: choose a place beside it")
    try:
        (out / "kept").mkdir(parents=True, exist_ok=True)
        (out / "pages").mkdir(exist_ok=True)
        with _executor(chosen) as executor:
            handed = gather.handed_in(chosen.folder)
            rules = Rules(chosen.variant, chosen.trust)
            found = [*_told(batch.mark_class(handed, rules, executor, out / "kept", ahead=2 * _jobs(chosen)))]
    except zipfile.BadZipFile as error:
        raise UserError(f"{chosen.folder} is no zip that can be opened") from error
    except OSError as error:
        raise UserError(f"{error.filename or chosen.folder}: {error.strerror or error}") from error
    if not found:
        raise UserError(f"nothing was handed in in {chosen.folder}")
    _write(batch.twins(found), out, chosen.lang)
    return 0


def _jobs(chosen):
    return chosen.jobs or os.cpu_count() or 1


@contextmanager
def _executor(chosen):
    """What runs the marking: processes here, or the workers of a Dask scheduler. Raises UserError."""
    from course.teaching.grading.batch import Processes

    if not chosen.scheduler:
        with Processes(_jobs(chosen)) as executor:
            yield executor
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError("--scheduler needs Dask: pip install 'noise-to-images[cluster]'") from error
    try:
        client = Client(chosen.scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise UserError(f"no Dask scheduler answers at {chosen.scheduler}") from error
    with client:
        troubles = {} if chosen.trust else client.run(_trouble)
        if trouble := next(filter(None, troubles.values()), ""):
            raise UserError(f"on a worker: {trouble}")
        with client.get_executor() as executor:
            yield executor


def _trouble():
    """Why a worker of the cluster has no sandbox, "" where it has."""
    from course.teaching.grading.sandbox import trouble

    return trouble()


def _told(marked):
    """All Marks, in one list; a line for each student as it comes."""
    for count, (made, known) in enumerate(marked, 1):
        for one in made:
            what = f"lesson {one.lesson}: {one.points} of {one.out_of}" if one.lesson else "nothing that can be marked"
            look = f"; look: {', '.join(remark.slug for remark in one.remarks if remark.look)}"
            looked = look if any(remark.look for remark in one.remarks) else ""
            print(f"{count} {one.student.name}: {what}{looked}{' (marked before)' if known else ''}", flush=True)
        yield from made


def _write(found, out, lang):
    """Write tables, pages and report, and say where they are. Raises UserError."""
    from course.teaching.grading import gradebook, report, student_page

    students = gradebook.by_student(found)
    names, style = student_page.names([*students]), math_font()
    write_out(out / "marks.csv", gradebook.marks_csv(found))
    write_out(out / "moodle.csv", gradebook.moodle_csv(found, lang))
    write_out(out / "moodle_gradebook.csv", gradebook.moodle_gradebook_csv(found, lang or "en"))
    for student, marks in students.items():
        write_out(out / "pages" / names[student], student_page.page(marks, lang, style))
    pages = {student: f"pages/{name}" for student, name in names.items()}
    write_out(out / "report.html", report.page(found, lang or "en", pages, style))
    print(f"{len(students)} student{'s' * (len(students) != 1)}: begin with {out}/report.html", end="; ")
    print("all marks are in marks.csv, a page for each in pages/")
    known = {"participant": "participant number of Moodle's", "number": "student number"}
    for name, known_by in (("moodle.csv", "participant"), ("moodle_gradebook.csv", "number")):
        what = known[known_by]
        left = [student.name for student in gradebook.left_out(found, known_by)]
        if len(left) == len(students):
            print(f"{name} is empty: no student's {what} is known")
        elif left:
            print(f"not in {name} (no {what}, or one that another gave as well): {', '.join(left)}")
