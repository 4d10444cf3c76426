"""`python -m course export`: the questions for a Moodle, or as a test on paper."""

import base64
from pathlib import Path

from course.commands import UserError, write_out
from course.teaching.language import LANGUAGES, language

FONT = Path(__file__).parent / "publish/math.woff"  # without it, roots and brackets are poor on many machines


def add_to(commands):
    """Add `export` to the commands of the parser."""
    export = commands.add_parser(
        "export",
        # argparse takes the lessons right behind the form only, and would show them last
        usage="python -m course export {moodle,html} [NN ...] [--lang {en,ko}] [--variant SECRET --names FILE] "
        "--out FILE",
        help="take the questions into Moodle, or onto paper",
        description="Write the questions of lessons into one file. moodle: Moodle XML for the import of its question "
        "bank, a category per lesson, with the feedback to each answer; a test reads it back, it was not tried in a "
        "Moodle. Questions of order need the question type ordering, which Moodle has from 4.4 on. html: a test to "
        "print, with a key on pages of its own; with --variant, a test and a key for each student, who have other "
        "numbers in questions that vary. Some questions ask about a figure of their lesson: show it.",
        epilog="example: python -m course export moodle 01 02 --lang en --out questions.xml",
    )
    export.add_argument("form", choices=("moodle", "html"), help="for a Moodle, or to print")
    export.add_argument("lessons", nargs="*", metavar="NN", help="numbers of lessons, such as 02 (default: all)")
    export.add_argument("--lang", choices=LANGUAGES, help="of the questions; default: COURSE_LANG")
    export.add_argument("--variant", metavar="SECRET", help="html: a test with other numbers for each student")
    export.add_argument("--names", type=Path, metavar="FILE", help="with --variant: the students, one name a line")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the file goes")
    export.set_defaults(main=main)


def main(chosen):
    """Write the file, and say what is in it. Raises UserError for a lesson that has no questions, and for no room."""
    from course.teaching import quiz

    names = _names(chosen)
    lessons = [*dict.fromkeys(chosen.lessons)] or quiz.lessons()
    try:
        lang = chosen.lang or language()
        made = _made(chosen, lessons, lang, names)
    except (LookupError, ValueError) as error:  # no such lesson; a language that the course does not speak
        raise UserError(str(error)) from error
    write_out(chosen.out, made)
    count = sum(len(quiz.load(lesson)) for lesson in lessons)
    each = f" for each of {len(names)} student{'s' * (len(names) != 1)}" if names else ""
    print(f"{count} questions of {len(lessons)} lesson{'s' * (len(lessons) != 1)}{each} in {chosen.out}")
    return 0


def _made(chosen, lessons, lang, names):
    """What goes into the file."""
    from course.teaching.grading import moodle, paper
    from course.teaching.grading.handouts import handouts

    if chosen.form == "moodle":
        return moodle.quiz_xml(lessons, lang)
    if names:
        return handouts(lessons, lang, chosen.variant, names, math_font())
    return paper.sheet(lessons, lang, math_font())


def _names(chosen):
    """The names of the students, each once; none without --variant. Raises UserError."""
    if (chosen.variant is None) != (chosen.names is None):
        raise UserError("--variant SECRET and --names FILE go together", code=2)
    if chosen.variant is None:
        return []
    if chosen.form == "moodle":
        raise UserError("a question bank has one set of numbers for all: --variant goes with html", code=2)
    try:
        lines = chosen.names.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {chosen.names}: {error}") from error
    names = [*dict.fromkeys(" ".join(line.split()) for line in lines if line.strip())]
    if not names or not chosen.variant.strip():
        raise UserError("there is no secret" if names else f"{chosen.names} has no names")
    return names


def math_font():
    """The font of the formulas as CSS, the file inside."""
    data = base64.b64encode(FONT.read_bytes()).decode()
    return f'@font-face {{ font-family: "Course Math"; src: url("data:font/woff;base64,{data}") format("woff") }}\n'
