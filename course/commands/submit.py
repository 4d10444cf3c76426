"""`python -m course submit NN`: pack what is marked of a lesson into one file to hand in."""

import json
import sys
from pathlib import Path

from course.commands import UserError, write_out

HOMES = ("work", ".", "notebooks")  # where a learner's notebook may lie: `make lab`, a folder of one's own, the course


def add_to(commands):
    """Add `submit` to the commands of the parser."""
    submit = commands.add_parser(
        "submit",
        help="pack a lesson into one file to hand in",
        description="Pack what is marked of a lesson into one file: your functions my_... as your notebook has them "
        "when it was last saved, and your answers to its questions, clicked ones as well. Nothing else goes in: it is "
        "text, and what is in it is shown. Save the notebook first.",
        epilog='example: python -m course submit 02 --name "Kim Minji" --number 20260123',
    )
    submit.add_argument("lesson", metavar="NN", help="the number of the lesson, such as 02")
    submit.add_argument(
        "--name", help="your name, as your class knows you (default: that of `variant`, else asked for)"
    )
    submit.add_argument("--number", help="your student number (asked for where it is not given; may be empty)")
    submit.add_argument("--notebook", type=Path, action="append", metavar="FILE", help="your notebook; may be repeated")
    submit.add_argument("--out", type=Path, metavar="FILE", help="where the file goes (default: NN_name.json, here)")
    submit.set_defaults(main=main)


def main(chosen):
    """Write the file, and show what is in it. Raises UserError where there is nothing to pack."""
    from course.teaching import events, quiz
    from course.teaching.grading.submission import packed

    if chosen.lesson not in quiz.lessons():
        raise UserError(f"there is no lesson {chosen.lesson!r}; there are {', '.join(quiz.lessons())}", code=2)
    notebooks = chosen.notebook or _notebooks(chosen.lesson)
    cells = [text for path in notebooks for text in _code(path)]
    try:
        kept = events.events()
    except OSError as error:
        raise UserError(str(error)) from error
    own = _own_numbers()
    name = _asked(chosen.name or own, "your name", "--name")
    number = _asked(chosen.number, "your student number (or nothing)", "--number", empty=True)
    text = packed(chosen.lesson, cells, kept, name, number)
    out = chosen.out or Path(f"{chosen.lesson}_{_plain(name)}.json")
    write_out(out, text)
    print("\n".join([f"from {path}, as it was saved last" for path in notebooks]))
    if own and own.casefold() != name.casefold():
        print(f"you were asked with the numbers of {own}, and will be marked by those of {name}")
    print("\n".join(_shown(text, out)))
    return 0


def _own_numbers():
    """The name under which a learner is asked with numbers of their own, None where there is none. Raises UserError."""
    from course.teaching.quiz.variants import mine

    try:
        return (mine() or (None, None))[1]
    except ValueError as error:
        raise UserError(str(error)) from error


def _notebooks(lesson):
    """The learner's notebooks of a lesson: those of the first folder that has some. Raises UserError for none."""
    from course.commands.publish.run import NOTEBOOKS

    for home in [*map(Path, HOMES), NOTEBOOKS]:
        found = [path for folder in (home, home / "further") for path in sorted(folder.glob(f"{lesson}_*.ipynb"))]
        if found:
            return [path for path in found if ".new" not in path.suffixes]
    raise UserError(f"no notebook of lesson {lesson} lies here or in work/; name yours with --notebook")


def _code(path):
    """The code cells of a notebook. Raises UserError for a file that is none."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no notebook") from error


def _asked(given, what, option, empty=False):
    """What was given with an option, else what is typed. Raises UserError where nobody is there to type."""
    if given is None:
        if not sys.stdin or not sys.stdin.isatty():
            raise UserError(f"{what}? give it with {option}", code=2)
        given = input(f"{what}: ")
    given = " ".join(given.split())
    if not given and not empty:
        raise UserError(f"{what} is needed: {option}", code=2)
    return given


def _plain(name):
    """A name as part of a file's name: its letters and digits."""
    return "".join(c if c.isalnum() else "_" for c in name)[:60]


def _shown(text, out):
    """What is in a packed file, line by line, as marking will read it."""
    from course.teaching import exercises, quiz
    from course.teaching.grading import submission
    from course.teaching.grading.sources import is_stub

    part = submission.read(out.name, text.encode())
    yield f"{out}: lesson {part.lesson}, {part.name}{f' ({part.number})' if part.number else ''}, course {part.version}"
    for id in exercises.ids(part.lesson):
        one = part.found.functions.get(f"my_{id[3:]}")
        if one is None or is_stub(one.source):
            yield f"  {id}: {'missing' if one is None else 'not filled in'}"
            continue
        lines = one.source.rstrip().count("\n") + 1
        count = len(one.needs)
        more = f", with {count} statement{'s' * (count != 1)} of the notebook that it needs" if count else ""
        yield f"  {id}: {one.name}, {lines} line{'s' * (lines != 1)}{more}"
        if one.course and exercises.find(id).replayed is None:
            yield f"    it uses {', '.join(one.course)} from the course, which is not there when it is marked"
    answers = dict(part.answers)
    for id in quiz.load(part.lesson):
        yield f"  {id}: {answers.get(id, 'no answer')}"
    if not answers and all(is_stub(one.source) for one in part.found.functions.values()):
        yield "nothing is filled in: is this your notebook? If not, name yours with --notebook FILE"
    yield "the file is text: open it to see every letter that you hand in"
