"""The slides of a lesson by number and name, the minutes each takes to lecture, and what docs/teaching/ says of them.

python tests/plans.py 02          # every slide: number, name, minutes, first words; and what is wrong with the page
python tests/plans.py --mend      # writes the numbers anew into all pages; the names are what they go by

On a page a slide is `12 add-predict`: its number in the deck and its name, which is the id of the cell that begins it,
with -answer behind it where it answers a question. The minutes are a count, honest as that of tests/minutes.py: 110
words a minute, of slide and notes; half a minute a figure to look at; two minutes a question, to read, vote and argue.
"""

import argparse
import re
import sys
from dataclasses import dataclass

import nbformat
from bs4 import BeautifulSoup
from minutes import LINE
from project import LESSONS, ROOT

from course.commands.publish import cells, deck
from course.files import write_whole
from course.teaching.quiz import marking, questions
from course.viz.html import FRAMES

PAGES = ROOT / "docs/teaching"
PACE = 110  # words a minute, for listeners whose first language is another
LOOKING, ASKING = 0.5, 2.0  # minutes
BUDGETS = (20, 50, 90)
PARTS = ("Before class", "Minutes", "What to show", "Three questions for the room", "Common trouble", "On the board")
SLIDER = f"<div class='{FRAMES}'>{'<figure><img></figure>' * 3}</div>"
SLIDE = re.compile(r"`(\d+) ([a-z][\w-]*)`")
SPAN = re.compile(r"`(\d+) [a-z][\w-]*`(?: to `(\d+) [a-z][\w-]*`)?")


@dataclass(frozen=True)
class Planned:
    """One slide as a lecturer finds it."""

    number: int
    name: str
    head: str  # its first words
    minutes: float


def planned(path):
    """The slides of a lesson, in order, without running it: where a cell would show something, it is a picture, and
    three where it has a slider without a figure beside it."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and cells.speaks(cell) and not cells.asked(cell):
            slider = "scrub(" in cell.source and "show(" not in cell.source
            shown = SLIDER if slider else "<img alt='a figure'>"
            cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": shown})]
    found = deck.slides(notebook, deck.Painter(path.parent))
    return [_planned(number, slide) for number, slide in enumerate(found, 1)]


def _planned(number, slide):
    shown = BeautifulSoup("".join(html for html, _ in slide.parts), "html.parser")
    spoken = BeautifulSoup("".join(slide.notes), "html.parser")
    asks = bool(shown.select(".question")) and not shown.select("details")
    minutes = (_words(shown) + _words(spoken)) / PACE + LOOKING * bool(shown.select("img")) + ASKING * asks
    return Planned(number, slide.name, " ".join(shown.get_text(" ").split()[:7]), minutes)


def _words(soup):
    """The words of a piece of HTML as they are said; a line of a displayed formula counts as LINE of them."""
    lines = sum(max(1, len(formula.select("mtr"))) for formula in soup.select(".formula"))
    for formula in soup.select(".formula"):
        formula.extract()
    return len(soup.get_text(" ").split()) + LINE * lines


def page_of(path):
    """The teaching page of a lesson."""
    return PAGES / f"{path.stem[:2]}.md"


def mended(text, slides):
    """The text of a page with the numbers that its slides have now. Names that are not there stay as they are."""
    numbers = {slide.name: slide.number for slide in slides}
    text = SLIDE.sub(lambda found: f"`{numbers.get(found[2], found[1])} {found[2]}`", text)
    return re.sub(r"\*\*\d+ slides\*\*", f"**{len(slides)} slides**", text)


def parts(text):
    """What stands below each heading of the second order, {heading: text}."""
    pieces = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def table(text):
    """The rows of the table of minutes: (first slide, last slide, minutes)."""
    rows = [row for row in text.splitlines() if row.startswith("|") and SLIDE.search(row)]
    return [(*_span(SPAN.search(row)), float(row.strip("| ").rpartition("|")[2])) for row in rows]


def _span(found):
    return int(found[1]), int(found[2] or found[1])


def faults(path, text, slides):
    """What is wrong with the page of a lesson, a line each."""
    found = parts(text)
    missing = [part for part in PARTS if part not in found]
    if missing:
        return [f"no part {part!r}" for part in missing]
    names = {slide.name for slide in slides}
    unknown = [f"no slide is called {name}" for _, name in SLIDE.findall(text) if name not in names]
    stale = ["the numbers are old: python tests/plans.py --mend"] * (text != mended(text, slides))
    title = cells.title(nbformat.read(path, as_version=4))
    head = [] if text.startswith(f"# {title}\n") else [f"the heading should be {title!r}"]
    said = _minutes(found["Minutes"], slides) + _budgets(found, slides)
    return head + unknown + stale + said + _questions(path.stem[:2], found["Three questions for the room"], slides)


def _minutes(text, slides):
    """Whether the table of minutes holds every slide once, and minutes that are near the count."""
    rows = table(text)
    covered = [number for first, last, _ in rows for number in range(first, last + 1)]
    found = [] if covered == [slide.number for slide in slides] else ["the table of minutes must hold every slide once"]
    for first, last, minutes in rows:
        counted = sum(slide.minutes for slide in slides[first - 1 : last])
        if abs(minutes - counted) > max(1, 0.25 * counted):
            found.append(f"slides {first} to {last}: {minutes:g} minutes, the count is {counted:.1f}")
    return found


def shown(text):
    """Which slides each budget shows, {20: [numbers], ...}: those that its paragraph names before "Skipped"."""
    paragraphs = re.finditer(r"^\*\*(\d+) minutes\*\*: (.+?)(?:Skipped|\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    lines = {int(line[1]): line[2] for line in paragraphs}
    return {
        budget: [number for span in SPAN.finditer(line) for number in range(_span(span)[0], _span(span)[1] + 1)]
        for budget, line in lines.items()
    }


def _budgets(found, slides):
    """Whether what is shown in so many minutes takes about so many, by the table of minutes."""
    said, minutes = [], {}
    for first, last, takes in table(found["Minutes"]):
        counted = sum(slide.minutes for slide in slides[first - 1 : last]) or 1
        minutes |= {slide.number: slide.minutes * takes / counted for slide in slides[first - 1 : last]}
    whole, chosen = sum(minutes.values()), shown(found["What to show"])
    for budget in BUDGETS:
        if budget not in chosen:
            said.append(f"no line for {budget} minutes")
            continue
        takes = sum(minutes.get(number, 0) for number in chosen[budget])
        if not min(0.75 * budget, 0.95 * whole) <= takes <= 1.05 * budget:
            said.append(f"what is shown in {budget} minutes takes {takes:.0f}")
    return said


def _questions(lesson, text, slides):
    """Whether three questions of the lesson are there, each with its slide and every wrong answer to expect."""
    heads = re.split(r"^### (\S+), (.+)$", text, flags=re.MULTILINE)[1:]
    found, known = [], questions.load(lesson)
    asked = [(id, where, said) for id, where, said in zip(heads[0::3], heads[1::3], heads[2::3], strict=True)]
    wanted = min(3, len(known))
    if len(asked) != wanted:
        found.append(f"{len(asked)} questions for the room, {wanted} are wanted")
    for id, where, said in asked:
        slide = SLIDE.fullmatch(where)
        heading = slides[int(slide[1]) - 1].head if slide and int(slide[1]) <= len(slides) else ""
        if not heading.startswith(f"{id} "):
            found.append(f"{where} does not ask {id}")
        wrong = [entry for entry in known[id].answers if not entry["correct"]] if id in known else []
        typed = [marking.as_typed(known[id], entry) for entry in wrong]
        found += [f"{id}: nothing on the wrong answer {answer}" for answer in typed if f"- **{answer}**" not in said]
    return found


def main(lesson, mend):
    """Print the slides of a lesson and what is wrong with its page; or mend the numbers of all pages."""
    paths = [path for path in LESSONS if mend or path.stem.startswith(lesson)]
    bad = 0
    for path in paths:
        slides, page = planned(path), page_of(path)
        if mend:
            write_whole(page, mended(page.read_text(encoding="utf-8"), slides))
            continue
        for slide in slides:
            print(f"{slide.number:3} {slide.name:28} {slide.minutes:4.1f}  {slide.head}")
        print(f"{len(slides)} slides, {sum(slide.minutes for slide in slides):.0f} minutes")
        found = faults(path, page.read_text(encoding="utf-8"), slides) if page.exists() else [f"no page {page}"]
        print("\n".join(found))
        bad += len(found)
    return int(bool(bad))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("lesson", nargs="?", default="", help="number of a lesson; default: all")
    options.add_argument("--mend", action="store_true", help="write the numbers anew into all pages")
    chosen = options.parse_args()
    sys.exit(main(chosen.lesson, chosen.mend))
