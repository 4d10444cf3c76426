"""Draw the strip in the title of lesson 00, and make its map; python tools/lessons/00.py puts both into it."""

import re

import nbformat
import torch
from title import put

from course.data import load
from course.env import checkout, seeded
from course.exact import FiniteSet
from course.files import write_whole
from course.samplers import ddim
from course.schedules import linear
from course.viz import grid_image

NOTEBOOKS = checkout() / "notebooks"
LESSON = NOTEBOOKS / "00_welcome.ipynb"
TIME = re.compile(r"\*\*Time\*\*: (?:(?:one|two|three) sittings? of )?(?:about )?([\d, and]*\d) minutes")


def strip():
    """Seven states of the trajectory of section 1, as a PIL image."""
    schedule, noise = linear(), torch.randn(1, 1, 8, 8, generator=seeded(18))
    model = FiniteSet(load("digits", "all")[0]).eps_model(schedule)
    path = [noise, *(step.x for step in ddim(model, schedule, noise, schedule.grid(50)))]
    return grid_image(torch.cat([path[k] for k in (0, 25, 35, 39, 43, 46, 50)]), columns=7, scale=10)


def lesson_map(folder=NOTEBOOKS):
    """The lessons that are there, as a table in Markdown: title, question, minutes, and what goes further.

    The title is the notebook's heading, the question stands in its metadata (course.question), the minutes in its
    line **Time**. Raises LookupError for a lesson that lacks one of them.
    """
    rows = ["| lesson | the question | minutes | for those who want more |", "|---|---|---|---|"]
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        if path.name == LESSON.name:
            continue
        title, question, minutes = _facts(path)
        further = sorted((folder / "further").glob(f"{path.name[:2]}_*.ipynb"))
        more = ", ".join(f"[{_title(each).partition(': ')[2]}](further/{each.name})" for each in further)
        rows.append(f"| [{title}]({path.name}) | {question} | {minutes} | {more} |")
    return "\n".join(rows)


def _title(path):
    return nbformat.read(path, 4).cells[0].source.splitlines()[0].removeprefix("# ")


def _facts(path):
    notebook = nbformat.read(path, 4)
    question = notebook.metadata.course.get("question")
    time = TIME.search("\n".join(cell.source for cell in notebook.cells[:3]))
    if not question or not time:
        raise LookupError(f"{path.name} lacks {'its line **Time**' if question else 'course.question in its metadata'}")
    return _title(path), question, re.sub(r", | and ", " + ", time[1])


def put_map(lesson=LESSON):
    """Write the map into its cell."""
    notebook = nbformat.read(lesson, 4)
    next(cell for cell in notebook.cells if cell.id == "lessons").source = lesson_map()
    write_whole(lesson, nbformat.writes(notebook) + "\n")


if __name__ == "__main__":
    put(LESSON, "strip.png", strip())
    put_map()
