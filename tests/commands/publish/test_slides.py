"""`slides`: a small lecture run for real, and its deck read as a browser without a network would."""

import re
import sys

import decks
import nbformat
import pytest
from bs4 import BeautifulSoup
from helpers import loads
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.__main__ import main
from course.commands.publish.deck import html_deck
from course.teaching import quiz
from course.teaching.language import say


def typed(cell, kind, *tags):
    cell.metadata.update(slideshow={"slide_type": kind}, tags=[*tags])
    return cell


def text(kind, source):
    return typed(new_markdown_cell(source), kind)


def code(kind, source, *outputs, tags=(), count=1):
    return typed(new_code_cell(source, outputs=list(outputs), execution_count=count), kind, *tags)


def printed(words):
    return new_output("stream", name="stdout", text=words)


def deck(*cells, folder="."):
    """The deck of cells as parsed HTML, and complaints."""
    page, faults, count = html_deck(new_notebook(cells=list(cells)), "name", folder)
    soup = BeautifulSoup(page, "html.parser")
    assert len(soup.select(".sheet")) == count
    return soup, faults


def said(soup):
    """The words of each slide, in order, and of the notes that go with it."""
    sections = [sheet.parent for sheet in soup.select(".sheet")]
    words = lambda tag: " ".join(tag.get_text(" ").split()) if tag else ""  # noqa: E731
    for heading in soup.select("aside.notes > h4"):
        assert heading.extract().get_text() in ("Ask the class", "Say", "수강생에게 물어보기", "설명")
    return [(words(part.select_one(".sheet")), words(part.select_one("aside.notes"))) for part in sections]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The deck of the small lecture, executed: (folder, status)."""
    folder = tmp_path_factory.mktemp("slides")
    nbformat.write(decks.lecture(), folder / "00_lecture.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COURSE_LANG", "en")
        status = main(["slides", "00_lecture.ipynb", "--execute"])
    return folder, status


@pytest.fixture(scope="module")
def lecture(made):
    return BeautifulSoup((made[0] / "00_lecture.slides.html").read_text(encoding="utf-8"), "html.parser")


def test_one_file_that_asks_for_nothing(made, lecture):
    folder, status = made
    assert status == 0
    assert sorted(path.name for path in folder.iterdir()) == ["00_lecture.ipynb", "00_lecture.slides.html"]
    assert nbformat.read(folder / "00_lecture.ipynb", 4).cells[-1].execution_count is None
    assert loads(lecture) == []
    assert lecture.title.get_text() == "A small lecture"
    assert "Permission is hereby granted" in str(lecture)  # the licence goes where reveal.js goes


def test_every_kind_of_cell_is_shown_as_it_says(lecture):
    first, second = quiz.find("01-1"), quiz.find("00-1")
    slides = said(lecture)
    heads = [
        "A small lecture",
        "A figure",
        "A formula",
        "01-1",
        "01-1",
        "00-1",
        "00-1",
        "A table",
        "A slider",
        "c",
        "e",
        "def",
        "What",
    ]
    assert [words[: len(head)] for (words, _), head in zip(slides, heads, strict=True)] == heads
    notes = ["Notes of the title", "Notes of the figure", "", "Answer: c", "Most say 1", "Answer: b"]
    assert [part.lstrip("(")[: len(note)] for (_, part), note in zip(slides, notes, strict=False)] == notes
    assert slides[3][1].endswith("(Let them vote.)")
    assert not any(part for _, part in slides[6:])
    for question, place in ((first, 3), (second, 5)):
        why = question.explanation["en"].split("$")[0].strip()
        assert why in slides[place + 1][0]
        assert why not in slides[place][0]
        assert all(option["text"]["en"].split("$")[0].strip() in slides[place][0] for option in question.options)
    assert not re.search("not shown|Run this cell|run this cell", " ".join(words for words, _ in slides))
    assert sys.prefix not in str(lecture)


def test_who_asks_a_class_reads_the_answer_and_what_each_wrong_one_reveals():
    """On the slide that asks, in the notes, under one heading each; a word of it is on the slide of the answer only."""
    soup, _ = deck(code("slide", 'ask("01-1", later=True)'), text("notes", "one"), text("notes", "two"))
    (notes,) = soup.select("aside.notes")
    assert [heading.get_text() for heading in notes.select("h4")] == ["Ask the class", "Say"]
    question = quiz.find("01-1")
    wrong = [f"{entry['id']}: {entry['feedback']['en']}" for entry in question.answers if not entry["correct"]]
    assert [row.get_text() for row in notes.select("li")] == wrong
    assert notes.p.get_text() == f"Answer: {next(entry['id'] for entry in question.answers if entry['correct'])}"
    assert not any(entry["feedback"]["en"] in soup.select_one(".sheet").get_text() for entry in question.answers)


def test_a_slide_bears_the_name_of_its_cell():
    first, asked, guess = text("slide", "first"), code("slide", 'ask("00-1")'), code("slide", 'ask("01-1", later=True)')
    marked = code("slide", 'ask("01-1")')
    soup, _ = deck(first, text("-", "goes on"), asked, guess, marked)
    names = [first.id, asked.id, f"{asked.id}-answer", guess.id, f"{marked.id}-answer"]
    assert [sheet.parent["id"] for sheet in soup.select(".sheet")] == names


def test_korean_by_an_option(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_LANG", "en")
    cells = [code("slide", 'ask("00-1")'), text("notes", "Said in English.")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "small.ipynb")
    assert main(["slides", str(tmp_path / "small.ipynb"), "--lang", "ko", "--out", str(tmp_path / "deck.html")]) == 0
    soup = BeautifulSoup((tmp_path / "deck.html").read_text(encoding="utf-8"), "html.parser")
    question, headings = quiz.find("00-1"), [heading.get_text() for heading in soup.select("aside.notes h4")]
    assert headings == ["수강생에게 물어보기", "설명"]
    (asks, answers) = said(soup)
    assert all(option["text"]["ko"] in asks[0] for option in question.options)
    assert question.explanation["ko"] in answers[0]
    assert all(entry["feedback"]["ko"] in asks[1] for entry in question.answers if not entry["correct"])


def test_sections_fragments_pictures_and_formulas(lecture):
    columns = [len(section.find_all("section")) for section in lecture.select(".slides > section")]
    assert columns == [0, 0, 5, 0, 3, 0, 0]
    assert lecture.select_one(".fragment").get_text(strip=True) == "(Said after it.)"
    assert len(lecture.select(".fragment")) == 3
    sheets = lecture.select(".sheet")
    assert [len(sheet.select("img")) for sheet in sheets] == [0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0]
    assert sheets[1].img["alt"] == "four greys"
    assert [sheet.figcaption.get_text() for sheet in sheets[8:11]] == ["a", "c", "e"]
    assert len(sheets[2].select("math[display=block]")) == 1
    assert len(lecture.select("aside.notes math")) == 1
    assert "$" not in "".join(words for words, _ in said(lecture))
    assert not sheets[0].select("a")  # a deck travels alone
    assert [part.has_attr("open") for part in lecture.select("details")] == [True, True]


def test_code_is_shown_where_it_is_tagged_and_nowhere_else(lecture):
    (source,) = lecture.select(".source")
    assert source.get_text().strip().startswith("def twice(x):\n    return 2 * x")
    assert lecture.select(".highlight") == source.select(".highlight")
    assert source.find_next("pre", string=re.compile("42"))


def test_what_follows_goes_on_and_what_is_skipped_is_away():
    soup, faults = deck(
        text("-", "first"),
        text("", "goes on"),
        text("fragment", "comes later"),
        text("-", "together with it"),
        code("slide", "x = 1"),
        text("-", "begins, as the cell before shows nothing"),
        text("skip", "skipped"),
        text("subslide", "below"),
        text("notes", "one"),
        text("notes", "two"),
        code("slide", "no slide at all"),
    )
    assert faults == []
    assert said(soup) == [
        ("first goes on comes later together with it", ""),
        ("begins, as the cell before shows nothing", ""),
        ("below", "one two"),
    ]
    assert [part.get_text(" ", strip=True) for part in soup.select(".fragment")] == ["comes later together with it"]
    assert [len(section.find_all("section")) for section in soup.select(".slides > section")] == [0, 2]


def test_outputs_that_a_class_need_not_see():
    outputs = [
        new_output("stream", name="stderr", text="a warning"),
        new_output("display_data", data={"text/plain": "VBox()", "application/vnd.jupyter.widget-view+json": {}}),
        printed("a < b"),
        new_output("execute_result", data={"text/plain": "<Figure>", "image/png": "iVBORw==\n"}),
        new_output("display_data", data={"text/latex": r"$\alpha$"}),
        new_output("error", ename="ValueError", evalue="wrong", traceback=["File /somewhere"]),
    ]
    soup, _ = deck(code("slide", "show()", *outputs))
    assert said(soup)[0][0] == "a < b \u03b1 ValueError: wrong"
    assert soup.select_one(".sheet img")["src"] == "data:image/png;base64,iVBORw=="


def test_a_figure_says_it_for_a_slider_in_its_cell():
    frames = "<div class='course-frames'><figure><img src='data:,'></figure></div>"
    slider = new_output("display_data", data={"text/html": frames})
    figure = new_output("display_data", data={"text/html": "<img src='data:,' alt='the figure'>"})
    assert len(deck(code("slide", "scrub()", slider))[0].select("img")) == 1
    (shown,) = deck(code("slide", "scrub()", figure, slider))[0].select("img")
    assert shown["alt"] == "the figure"


def test_whose_function_goes_on_is_nothing_for_a_class():
    """But what else the cell prints is, and so is a line that only looks like it."""
    lines = [say(f"exercise.{whose}", lang, name="my_loss") for whose in ("yours", "ours") for lang in ("en", "ko")]
    soup, _ = deck(code("slide", "use()", printed("\n".join([*lines, "my_loss is 0.5", ""]))))
    assert said(soup) == [("my_loss is 0.5", "")]
    soup, faults = deck(code("slide", "use()", printed(lines[0] + "\n")), text("-", "begins"))
    assert (said(soup), faults) == ([("begins", "")], [])


def test_what_was_answered_before_is_not_told_and_korean_is_spoken(monkeypatch):
    monkeypatch.setenv("COURSE_LANG", "ko")
    told = new_output("display_data", data={"text/html": "<p>Your guess was b.</p>"})
    soup, _ = deck(code("slide", 'ask("01-1", later=True)', told), code("-", 'ask("01-1")', told))
    question = quiz.find("01-1")
    (plain, _), (solved, _) = said(soup)
    assert "Your guess" not in plain + solved
    assert question.prompt["ko"].split("$")[0].strip() in plain
    assert question.explanation["ko"].split("$")[0].strip() in solved
    assert question.explanation["ko"].split("$")[0].strip() not in plain
    assert soup.select_one("summary").get_text() == "정답"


def test_notes_that_belong_to_no_slide_are_reported():
    soup, faults = deck(text("notes", "lost"), text("slide", "first"))
    assert faults == ["notes before the first slide are left out"]
    assert said(soup) == [("first", "")]


def test_a_formula_that_cannot_be_set_is_reported():
    _, faults = deck(text("slide", "$\\nosuchcommand$"))
    assert "nosuchcommand" in faults[0]


def fails(arguments, capsys):
    """The one line that the command ends in, and its status."""
    status = main(["slides", *map(str, arguments)])
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("python -m course slides: ")
    return status, error


def save(path, *cells):
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def test_a_figure_that_is_missing_asks_for_execute_in_one_line(tmp_path, capsys):
    unrun = code("slide", "\nshow(fig)", count=None)
    path = save(tmp_path / "a.ipynb", text("slide", "# A"), unrun)
    status, error = fails([path, "--out", tmp_path / "a.html"], capsys)
    assert status == 1
    assert "'show(fig)'" in error
    assert "--execute" in error
    assert not (tmp_path / "a.html").exists()
    others = [code(kind, "x", count=None) for kind in ("skip", "notes")]
    others += [code("-", source, count=None) for source in ("import os\nx = 1", "def f(): ...", "", "# x")]
    others += [code("-", "x", tags=[tag], count=None) for tag in ("setup", "code")]
    path = save(tmp_path / "a.ipynb", text("slide", "# A"), *others, code("-", 'ask("01-1")', count=None))
    assert main(["slides", str(path), "--out", str(tmp_path / "a.html")]) == 0
    assert capsys.readouterr().out == f"2 slides in {tmp_path / 'a.html'}\n"


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ((code("slide", 'ask("01-99")'),), "01-99"),
        ((text("skip", "nothing"),), "no cell for a slide"),
    ],
)
def test_what_cannot_be_a_deck_is_one_line(tmp_path, capsys, cells, words):
    status, error = fails([save(tmp_path / "a.ipynb", *cells), "--out", tmp_path / "a.html"], capsys)
    assert status == 1
    assert words in error


def test_wrong_uses_are_one_line(tmp_path, capsys):
    (tmp_path / "none.ipynb").write_text("this is no notebook")
    assert "not a notebook" in fails([tmp_path / "none.ipynb"], capsys)[1]
    save(tmp_path / "b.ipynb", text("slide", "b"))
    assert "means 2 notebooks" in fails([tmp_path], capsys)[1]
    assert fails(["99"], capsys)[0] == 2
    assert "cannot write" in fails([tmp_path / "b.ipynb", "--out", tmp_path / "no" / "b.html" / ""], capsys)[1]


def test_a_lesson_that_fails_makes_no_deck(tmp_path, capsys):
    path = save(tmp_path / "a.ipynb", code("slide", "1 / 0", count=None))
    assert main(["slides", str(path), "--execute", "--out", str(tmp_path / "a.html")]) == 1
    assert "code cell 1 (1 / 0): ZeroDivisionError" in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()
