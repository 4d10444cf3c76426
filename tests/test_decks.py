"""Decks and pages in a browser: what a class sees at 1280 x 720, offline, and what a telephone shows of a page."""

import re

import decks
import nbformat
import pytest
import torch
from project import LESSONS

from course.__main__ import main
from course.commands.publish.page import html_page
from course.viz import pictures, to_png
from course.viz.html import image

pytestmark = pytest.mark.browser
QUICK = {"00", "01"}  # run here; of the others the figures are stood in for
TELEPHONE = 390


@pytest.fixture(scope="module")
def lecture(tmp_path_factory):
    """The small lecture, executed, as a deck; and its page."""
    folder = tmp_path_factory.mktemp("lecture")
    nbformat.write(decks.lecture(), folder / "00_lecture.ipynb")
    assert main(["slides", str(folder / "00_lecture.ipynb"), "--execute", "--out", str(folder / "deck.html")]) == 0
    return folder / "deck.html"


def stood_in(path):
    """A lesson as if it had run: a figure where one is shown, nothing else."""
    notebook = nbformat.read(path, 4)
    figure = image(to_png(pictures(torch.zeros(4, 1, 8, 8), title="stands in")), "stands in")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
            drawn = re.search(r"\bshow\(", cell.source)
            cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": figure})] if drawn else []
    return notebook


def deck_of(path, folder):
    """The deck of a lesson: run where that is quick, else with figures that stand in."""
    out = folder / "deck.html"
    if path.stem[:2] in QUICK:
        assert main(["slides", str(path), "--execute", "--out", str(out)]) == 0
        return out
    nbformat.write(stood_in(path), folder / path.name)
    assert main(["slides", str(folder / path.name), "--out", str(out)]) == 0
    return out


def turned(page):
    """How many slides the right arrow leads through, and then the left arrow back; the deck's number of them."""
    count = page.evaluate("Reveal.getTotalSlides()")
    keys = page.evaluate("document.querySelectorAll('.slides section:not(.stack), .slides .fragment').length")
    page.evaluate("Reveal.slide(0, 0, -1)")
    where = "JSON.stringify(Reveal.getIndices(Reveal.getCurrentSlide()))"
    passed = []
    for key in ("ArrowRight", "ArrowLeft"):
        places = [page.evaluate(where)]
        for _ in range(keys):
            page.keyboard.press(key)
            places.append(page.evaluate(where))
        passed.append(len(dict.fromkeys(places)))
    assert page.evaluate(where) == page.evaluate("JSON.stringify(Reveal.getIndices(Reveal.getSlides()[0]))")
    return passed, count


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_deck_of_a_lesson(path, chromium, tmp_path):
    asked = []
    with decks.opened(deck_of(path, tmp_path), chromium, asked) as page:
        passed, count = turned(page)
        slides = decks.seen(page)
    assert asked == []
    assert passed == [count, count]
    assert len(slides) == count >= 5
    assert any(slide.pictures for slide in slides)
    assert decks.complaints(slides) == []
    assert any(slide.notes for slide in slides)


def test_a_deck_with_everything_on_it(lecture, chromium):
    asked = []
    with decks.opened(lecture, chromium, asked) as page:
        assert turned(page) == ([13, 13], 13)
        slides = decks.seen(page)
        fonts = page.evaluate("[...document.fonts].map(font => font.status)")
        assert page.locator(".slide-number").inner_text() == "13 / 13"
    assert asked == []
    assert fonts == ["loaded"]
    assert decks.complaints(slides) == []
    assert [len(slide.pictures) for slide in slides] == [0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0]
    assert slides[1].pictures[0][0] > 250
    assert [bool(slide.notes) for slide in slides] == [True, True, False, True, True, True] + 7 * [False]
    assert [slide.code for slide in slides if slide.code] == [[5]]


def test_too_much_on_a_slide_is_complained_of(chromium, tmp_path):
    """What the test of the lessons rests on: each fault is seen, at its slide."""
    figure = "![](data:image/svg+xml,%3Csvg%20xmlns=%22http://www.w3.org/2000/svg%22%20width=%22800%22%20height=%22500%22/%3E)"
    sources = [
        "sound",
        "long\n\n" * 20,
        "wide $" + "x+" * 60 + "x$",
        "letters <span style='font-size: 20px'>of a small size</span>",
        "word " * 41,
        "squeezed\n\n" + "a\n\n" * 8 + figure,
        "fenced\n\n```\ncode\n```",
        "program",
    ]
    cells = [nbformat.v4.new_markdown_cell(source) for source in sources]
    cells[-1] = nbformat.v4.new_code_cell("\n".join(["program"] * 13))
    for cell in cells:
        cell.metadata.update(slideshow={"slide_type": "slide"}, tags=["code"])
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "bad.ipynb")
    assert main(["slides", str(tmp_path / "bad.ipynb"), "--out", str(tmp_path / "bad.html")]) == 0
    with decks.opened(tmp_path / "bad.html", chromium) as page:
        found = decks.complaints(decks.seen(page))
    faults = {}
    for line in found:
        number, words, fault = re.fullmatch(r"slide (\d+) \((\w+).*?\): (.*)", line).groups()
        faults.setdefault((int(number), words), []).append(re.sub(r"\d+ ", "", fault))
    assert faults.pop((2, "long")) == ["pixels taller than the screen"]
    assert faults.pop((3, "wide"))[0] == "pixels wider than the screen"
    assert faults.pop((4, "letters")) == ["letters of pixels, are needed"]
    assert faults.pop((5, "word")) == ["words, are enough"]
    assert "less text beside it" in str(faults.pop((6, "squeezed")))
    assert faults.pop((7, "fenced")) == ["code in Markdown: take a code cell, tagged `code`"]
    assert "lines of code, are enough" in faults.pop((8, "program"))
    assert faults == {}


def test_the_speaker_sees_the_notes_without_a_server(lecture, chromium):
    """The window of the speaker follows the deck, and the deck follows it; both come from disk."""
    asked = []
    with decks.opened(lecture, chromium, asked) as page:
        with page.expect_popup() as window:
            page.keyboard.press("s")
        speaker = window.value
        notes = speaker.locator(".speaker-controls-notes .value")
        speaker.get_by_text("comes later").wait_for(timeout=15_000)
        page.keyboard.press("ArrowRight")
        speaker.get_by_text("Notes of the figure").wait_for(timeout=15_000)
        assert "comes later" not in notes.inner_text()
        for _ in range(4):  # a fragment, the formula, its fragment, the question
            speaker.keyboard.press("ArrowRight")
            speaker.wait_for_timeout(600)
        speaker.get_by_text("Let them vote").wait_for(timeout=15_000)
        assert page.evaluate("Reveal.getCurrentSlide().innerText").startswith("01-1")
    assert asked == []


def test_a_deck_prints_a_slide_a_page_and_shows_notes_beside(lecture, chromium, tmp_path):
    with decks.opened(lecture, chromium) as page:
        page.goto(lecture.as_uri() + "?print-pdf")
        page.locator(".pdf-page").nth(12).wait_for()
        assert page.locator(".pdf-page").count() == 13
        printed = page.pdf(prefer_css_page_size=True)
        page.goto(lecture.as_uri() + "?print-pdf&showNotes=separate-page")
        page.locator(".speaker-notes-pdf").nth(4).wait_for()
        with_notes = page.pdf(prefer_css_page_size=True)
        page.goto(lecture.as_uri() + "?showNotes=true")
        page.get_by_text("comes later").and_(page.locator(":visible")).wait_for()
    pages = [len(re.findall(rb"/Type\s*/Page\b", pdf)) for pdf in (printed, with_notes)]
    assert pages == [13, 13 + 5]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_page_is_read_on_a_telephone(path, chromium, tmp_path):
    """Nothing makes the page itself scroll sideways, neither closed nor with all that is folded."""
    notebook = stood_in(path)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "text"}  # colouring takes long
    wide = "<table><tr>" + "<td>a wide cell</td>" * 20 + "</tr></table>"
    notebook.cells += [nbformat.v4.new_markdown_cell(wide), nbformat.v4.new_markdown_cell("`" + "x" * 100 + "`")]
    (tmp_path / "page.html").write_text(html_page(notebook, path.stem, path.parent)[0], encoding="utf-8")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, **decks.OPTIONS)
        page = browser.new_page(viewport={"width": TELEPHONE, "height": 844})
        page.goto((tmp_path / "page.html").as_uri())
        folded = page.locator("details.code")
        assert folded.count() >= 2
        assert folded.locator("pre").first.is_hidden()
        for _ in range(2):
            assert page.evaluate("document.documentElement.scrollWidth") == TELEPHONE
            page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        box = page.locator(".scroll").last
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")
        browser.close()
