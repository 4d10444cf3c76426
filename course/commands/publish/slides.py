"""`python -m course slides`: a lesson as a deck of slides, one HTML file that opens from disk without a network."""

import os
import sys
from pathlib import Path

from course.commands import UserError, write_out
from course.commands.publish import run
from course.teaching.language import LANGUAGES


def add_to(commands):
    """Add `slides` to the commands of the parser."""
    slides = commands.add_parser(
        "slides",
        help="make slides of a lesson",
        description="Make slides of a lesson, one HTML file that opens from disk without a network. Arrow keys turn, S "
        "opens the speaker's view with the notes, F fills the screen, O shows all, ? lists the keys. To print, "
        "open FILE?print-pdf and print into a PDF; FILE?showNotes=true shows the notes beside the slides.",
        epilog="example: python -m course slides 02 --execute",
    )
    slides.add_argument("notebook", metavar="NN", help="number (02), name (02_forward_process) or path of a notebook")
    slides.add_argument("--execute", action="store_true", help="run the lesson first (else: with the outputs it has)")
    slides.add_argument("--lang", choices=LANGUAGES, help="of questions and answers; default: COURSE_LANG")
    slides.add_argument("--out", type=Path, metavar="FILE", help="default: NN_name.slides.html in this folder")
    slides.set_defaults(main=main)


def main(chosen):
    """Make the deck. Raises UserError where the notebook is none, fails, or has not run though a slide needs it."""
    if chosen.lang:
        os.environ["COURSE_LANG"] = chosen.lang  # for the kernel, too
    path = _one(chosen.notebook)
    with run.needs_lab():
        import nbformat

        from course.commands.publish import deck
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise UserError(f"{path} is not a notebook: {str(error).strip().partition(chr(10))[0]}") from error
    if chosen.execute:
        _execute(notebook, path)
    elif cell := deck.unrun(notebook):
        line = next(line.strip() for line in cell.source.splitlines() if line.strip())
        raise UserError(
            f"{path.name} has not run: a slide needs the output of the cell {line[:60]!r}; add --execute, or run the "
            "lesson, save it and name its file"
        )
    html, complaints, count = deck.html_deck(notebook, path.stem, path.parent)
    for complaint in complaints:
        print(f"{path.stem}: {complaint}", file=sys.stderr)
    if not count:
        raise UserError(f"{path.name} has no cell for a slide")
    out = chosen.out or Path(f"{path.stem}.slides.html")
    write_out(out, html)
    print(f"{count} slide{'s' * (count != 1)} in {out}")
    return 0


def _one(name):
    """The path of the one notebook that is meant."""
    found = run.find([name])
    if len(found) != 1:
        raise UserError(f"{name} means {len(found)} notebooks; name one", code=2)
    return found[0]


def _execute(notebook, path):
    """Run the cells in a fresh kernel, as `run` does. Raises UserError for the first that fails."""
    from tqdm import tqdm

    from course.commands.publish import kernel

    count = sum(cell.cell_type == "code" for cell in notebook.cells)
    with tqdm(total=count, unit="cell", desc=path.stem, mininterval=10 * (not sys.stderr.isatty())) as bar:
        fault = kernel.execute(notebook, path.parent, run.budget_of(None), run.CELL_SECONDS, bar.update, "slides")
    if fault:
        raise UserError(f"{path.name}: {fault}")
