"""The teaching pages: what they say of slides, minutes and questions is what a lecturer finds."""

import re

import plans
import pytest
from project import LESSONS, ROOT

README = plans.PAGES / "README.md"
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def planned():
    """The slides of lesson 02, and its page."""
    path = next(path for path in LESSONS if path.stem.startswith("02"))
    return path, plans.page_of(path).read_text(encoding="utf-8"), plans.planned(path)


@each_lesson
def test_the_page_of_a_lesson_says_what_is_so(path):
    assert plans.faults(path, plans.page_of(path).read_text(encoding="utf-8"), plans.planned(path)) == []


def test_links_lead_somewhere():
    for page in plans.PAGES.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_command_named_there_exists():
    from course.__main__ import parser

    commands = next(action for action in parser()._actions if action.dest == "command").choices
    for page in [*plans.PAGES.glob("*.md"), ROOT / "README.md"]:
        for name in re.findall(r"`python -m course ([a-z-]+)", page.read_text(encoding="utf-8")):
            assert name in commands, f"{page.name}: {name}"


FAULTS = {
    "no slide is called nowhere": ("`9 guess-02-11`", "`9 nowhere`"),
    "the numbers are old: python tests/plans.py --mend": ("`9 guess-02-11`", "`8 guess-02-11`"),
    "the heading should be '02 Forward process'": ("# 02 Forward", "# 02 Backward"),
    "the table of minutes must hold every slide once": ("`13 ask-02-2-answer` | 13", "`11 ask-02-11-answer` | 13"),
    "slides 14 to 16: 9 minutes": ("`16 factor-derive` | 5", "`16 factor-derive` | 9"),
    "no line for 20 minutes": ("**20 minutes**", "**25 minutes**"),
    "what is shown in 20 minutes takes": (
        "`25 jump-derive`, `37 end-predict` to `43 ask-02-7-answer`",
        "`25 jump-derive`",
    ),
    "2 questions for the room, 3 are wanted": ("### 02-4, `30 guess-02-4`", ""),
    "`9 guess-02-11` does not ask 02-4": ("### 02-4, `30 guess-02-4`", "### 02-4, `9 guess-02-11`"),
    "02-7: nothing on the wrong answer b": ("- **b** (some noise", "- (some noise"),
    "no part 'On the board'": ("## On the board", "## The board"),
}


@pytest.mark.parametrize("said", FAULTS)
def test_what_is_wrong_on_a_page_is_named(said, planned):
    path, text, slides = planned
    old, new = FAULTS[said]
    assert old in text
    assert any(fault.startswith(said) for fault in plans.faults(path, text.replace(old, new, 1), slides))


def test_numbers_are_mended_by_name(planned):
    _, text, slides = planned
    off = re.sub(r"`(\d+) ", lambda found: f"`{int(found[1]) + 1} ", text).replace("**57 slides**", "**3 slides**")
    assert off != text
    assert plans.mended(off, slides) == text
