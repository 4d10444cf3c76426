"""The page of a student: what it says, in which language, and that nothing of a student's runs in it."""

import random
import re
from dataclasses import replace

import decks
import pytest
from bs4 import BeautifulSoup
from school import HOSTILE, school, sound

from course.teaching import quiz
from course.teaching.grading.gradebook import by_student, total
from course.teaching.grading.records import Item, Marks, Remark, Student
from course.teaching.grading.student_page import names, page
from course.teaching.language import LANGUAGES, say
from course.viz.html import formulas

CLASS = by_student(school())
LANGS = (*LANGUAGES, None)
TURNED, CONTROLS = "\u202etxt\u2066\u200f", "a\x00b\x1b[31m"
TEXTS = [HOSTILE, "</td>", "x" * 10_000, TURNED, CONTROLS, "\ud800", "' onclick='x", "&lt;b&gt;", ""]


def one(text="", kind="question", id="01-2", **more):
    """The marks of a student all of whose texts are `text`."""
    texts = {"en": text or "-", "ko": text or "-"}
    item = Item(id, kind, "not yet", 0, 2, text, text, (texts,), 1, False)
    student = Student(text, text, text, text)
    return Marks("k", student, "01", (item,), (Remark(text, texts, True),), (text,), text, **more)


@pytest.mark.parametrize("lang", LANGS)
def test_every_page_of_a_class_is_whole_and_asks_for_nothing(lang):
    for marks in CLASS.values():
        soup = sound(page(marks, lang))
        assert soup.html["lang"] == (lang or "en")


@pytest.mark.parametrize("kind", ["question", "exercise"])
@pytest.mark.parametrize("text", TEXTS)
def test_hostile_texts_are_shown_and_nothing_else(text, kind):
    for lang in LANGS:
        sound(page([one(text, kind), one(text, kind, "99-nothing")], lang))


def test_a_script_is_shown_as_it_was_typed():
    soup = sound(page([one("<script>alert(1)</script>")], "en"))
    assert soup.h1.get_text() == "<script>alert(1)</script>"
    assert soup.select_one("td.gave").get_text() == "<script>alert(1)</script>"


def test_what_is_too_long_is_cut():
    assert max(len(text) for text in re.findall("x+…?", page([one("x" * 10_000)], "en"))) == 1001


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_item_has_its_prompt_status_points_answer_and_reasons(lang):
    marks = CLASS[[*CLASS][20]]
    soup = sound(page(marks, lang))
    rows = soup.select("table.work > tbody > tr:not(.below)")
    items = [item for some in marks for item in some.items]
    assert len(rows) == len(items)
    for row, item in zip(rows, items, strict=True):
        cells = row.find_all(["th", "td"], recursive=False)
        assert cells[0].b.get_text() == item.id
        if item.kind == "question":
            shown = BeautifulSoup(formulas(quiz.find(item.id).prompt[lang]), "html.parser").get_text()
            assert shown in cells[0].get_text()
        else:
            assert f"my_{item.id[3:]}" in cells[0].get_text()
        assert (say("grade.further", lang) in cells[0].get_text()) == item.further
        assert say(f"exercise.{item.status.replace(' ', '-')}", lang) in cells[1].get_text()
        assert cells[2].get_text() == f"{item.points} / {item.out_of}"
        assert [p.get_text() for p in cells[4].find_all("p")] == [
            re.sub("\x00", "\ufffd", reason[lang]).replace("\u202e", "") for reason in item.reasons
        ]
        if item.kind == "exercise" and item.given:
            assert row.find_next_sibling("tr").pre.get_text() == item.given.strip("\n")


def test_a_choice_is_told_with_its_text():
    item = Item("01-1", "question", "not yet", 0, 2, "B", "2")
    soup = sound(page([Marks("k", Student("a"), "01", (item,))], None))
    assert [span.get_text() for span in soup.select("td.gave span")] == ["b) about 1", "b) 약 1"]


def test_in_both_languages_english_stands_first_in_the_same_cell():
    soup = sound(page([one("17")], None))
    prompt = quiz.find("01-2").prompt
    assert [span["lang"] for span in soup.select("tbody th > span")] == ["en", "ko"]
    assert [span.get_text() for span in soup.select("tbody th > span")] == [prompt["en"], prompt["ko"]]
    for lang in LANGUAGES:
        assert {span["lang"] for span in sound(page([one("17")], lang)).select("span[lang]")} == {lang}


def test_a_reason_without_korean_is_said_in_english_once():
    item = Item("01-1", "question", "not yet", 0, 2, "b", "2", ({"en": "Only this."},))
    marks = [Marks("k", Student("a"), "01", (item,))]
    for lang in LANGS:
        assert page(marks, lang).count("Only this.") == 1


@pytest.mark.parametrize("lang", LANGS)
def test_marks_without_a_sandbox_say_so_first(lang):
    said = [say("grade.unguarded", each) for each in LANGUAGES if lang in (None, each)]
    soup = sound(page([one("17"), one("18", trusted=True)], lang))
    first = soup.body.find(recursive=False)
    assert first["class"] == ["warning"]
    assert [span.get_text() for span in first.find_all("span")] == said
    assert sound(page([one("17")], lang)).select(".warning") == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_says_what_its_marks_mean(lang):
    guarded, unguarded = page([one("17")], lang), page([one("17", trusted=True)], lang)
    means, less = say("grade.means", lang), say("grade.means-less", lang)
    texts = [BeautifulSoup(each, "html.parser").get_text() for each in (guarded, unguarded)]
    assert [(means in text, less in text) for text in texts] == [(True, False), (False, True)]


def test_the_total_is_that_of_all_lessons_and_what_is_missing_is_said():
    student = next(student for student, marks in CLASS.items() if any(not some.key for some in marks))
    soup = sound(page(CLASS[student], "en"))
    points, out_of = total(CLASS[student])
    assert f"{points} of {out_of} points" in soup.select_one(".total").get_text()
    assert soup.get_text().count(say("grade.nothing", "en")) == 1
    assert len(soup.select("table.work")) == 1


def test_ids_that_no_quiz_has_are_told():
    ids, kinds = ("01-99", "77-1", "<b>", ""), ("question", "exercise")
    items = [Item(id, kind, "not yet", 0, 2) for id in ids for kind in kinds]
    text = page([Marks("k", Student("a"), "no lesson", tuple(items))], "en")
    sound(text)
    assert text.count(say("grade.unknown", "en")) == 8


def test_no_marks_and_another_status_do_not_end_in_an_error():
    sound(page([], None))
    sound(page([Marks("k", Student("a"), "01", (Item("01-1", "question", "<i>", 0, 2),))], None))


def test_the_order_of_the_lessons_changes_nothing():
    marks = [*CLASS.values()][5]
    assert page(marks[::-1], None) == page(marks, None)


ODD = ("../../x", "CON", "a/b\\c:d*e?", ".hidden", "~x", "-rf", "\x00", "\ud800", "", HOSTILE)
NAMES = [*ODD, "김민지", "x" * 200, "가" * 200]


def test_file_names_are_safe_unique_and_stable():
    numbers = [("", ""), ("1", ""), ("", "7"), ("1", "7")]
    students = [Student(name, *mine) for name in NAMES for mine in numbers]
    found = names(students)
    assert len({name.casefold() for name in found.values()}) == len(students)
    for student, name in found.items():
        assert re.fullmatch(r"\w[\w -]*\.html", name)
        assert len(name.encode("utf-8")) <= 200
        assert names([student]) == {student: name}
    mixed = random.Random(0).sample(students, len(students))
    assert names(mixed) == found


def test_a_file_name_holds_the_name_and_where_moodle_looks_for_the_number():
    [name] = names([Student("Kim Min_ji", "1", "12345")]).values()
    assert name.split("_", 4)[:4] == ["Kim Min ji", "12345", "assignsubmission", "file"]
    assert names([Student("김민지")])[Student("김민지")].startswith("김민지_marks-")
    assert "_assignsubmission_" not in names([Student("a", "", "1_2")])[Student("a", "", "1_2")]


@pytest.fixture
def shown(chromium):
    """A function that opens a page in a window so wide; returns how wide it comes out, and how far down letters go."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, **decks.OPTIONS)
        tab, asked = browser.new_page(), []
        tab.on("request", lambda request: asked.append(request.url))

        def wide(text, width):
            tab.set_viewport_size({"width": width, "height": 800})
            tab.set_content(text)
            assert [url for url in asked if not url.startswith(("about:", "data:"))] == []
            return tab.evaluate("document.documentElement.scrollWidth")

        yield wide
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_page_is_wider_than_its_window(shown, width):
    marks = CLASS[[*CLASS][20]]
    for text in (page(marks, None), page([one("x" * 10_000)], None), page([one(HOSTILE, "exercise", "01-mix")], "ko")):
        assert shown(text, width) == width


def test_a_style_goes_into_the_page():
    assert "<style>b { color: red }" in page([replace(one("17"), key="z")], "en", "b { color: red }")
