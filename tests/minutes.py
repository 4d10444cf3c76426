"""What a lesson costs its reader, honestly counted: python tests/minutes.py prints it for every sitting.

A hundred words a minute, for a reader whose first language is not English; a minute a figure; two a question, which
counts once although it is guessed first and marked later; the seconds of the cells. Exercises are not in the count.
"""

import re
from dataclasses import dataclass

import nbformat
from project import NOTEBOOKS

NUMBERS = {"about": 1, "two": 2, "three": 3}
TIME = re.compile(r"\*\*Time\*\*: (?:(two|three) sittings of )?about (\d+(?:, \d+)*(?: and \d+)?) minutes")
DISPLAYED = re.compile(r"\$\$.+?\$\$", re.DOTALL)
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
LINE = 10  # words that a line of a displayed formula counts as


@dataclass(frozen=True)
class Sitting:
    """A part of a lesson that is read at one go."""

    words: int
    figures: int
    questions: int
    seconds: float

    @property
    def minutes(self):
        return self.words / 100 + self.figures + 2 * self.questions + self.seconds / 60


def tagged(cell, tag):
    return tag in cell.metadata.get("tags", [])


def words(source):
    """How many words a Markdown cell asks to be read; what is folded away is not among them."""
    shown = PICTURE.sub(" ", FOLDED.sub(" ", source))
    formulas = DISPLAYED.findall(shown)
    lines = sum(formula.count(r"\\") + 1 for formula in formulas)
    return len(DISPLAYED.sub(" ", shown).split()) + LINE * lines


def parts(notebook):
    """The cells of each sitting: up to a cell tagged `stop`, with it. What follows the last belongs to none.

    A notebook without such a cell is one sitting.
    """
    found, cells = [], []
    for cell in notebook.cells:
        cells.append(cell)
        if tagged(cell, "stop"):
            found.append(cells)
            cells = []
    return found or [cells]


def figures(cell):
    """How many pictures a cell puts on the page."""
    if cell.cell_type == "markdown":
        return len(PICTURE.findall(cell.source))
    return bool(re.search(r"\b(show|scrub)\(", cell.source))


def sittings(notebook):
    """The Sittings of a lesson, in order."""
    every = [cell for cells in parts(notebook) for cell in cells]
    running = sum(cell.cell_type == "code" for cell in every)
    found = []
    for cells in parts(notebook):
        stubs = {number - 1 for number, cell in enumerate(cells) if tagged(cell, "exercise")}
        told = [cell for number, cell in enumerate(cells) if cell.cell_type == "markdown" and number not in stubs]
        code = [cell for cell in cells if cell.cell_type == "code"]
        asked = {id for cell in code for id in re.findall(r'\bask\("([^"]+)"', cell.source)}
        seconds = notebook.metadata.course.budget_seconds * len(code) / running
        found.append(Sitting(sum(words(cell.source) for cell in told), sum(map(figures, cells)), len(asked), seconds))
    return found


def printed(notebook):
    """The minutes that the line **Time** names, one for each sitting. Raises ValueError where it names none."""
    line = TIME.search("\n".join(cell.source for cell in notebook.cells[:3]))
    if not line:
        raise ValueError("no line such as `**Time**: two sittings of about 40 and 30 minutes`")
    minutes = [int(number) for number in re.findall(r"\d+", line[2])]
    if len(minutes) != NUMBERS[line[1] or "about"]:
        raise ValueError(f"{line[0]!r} names {len(minutes)} sittings")
    return minutes


def main():
    """Print a line for each sitting of each notebook."""
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        for number, sitting in enumerate(sittings(notebook), 1):
            print(
                f"{path.stem:28} {number}: {sitting.words:5} words, {sitting.figures:2} figures, "
                f"{sitting.questions:2} questions: {sitting.minutes:4.0f} minutes"
            )


if __name__ == "__main__":
    main()
