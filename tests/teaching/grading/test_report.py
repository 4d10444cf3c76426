"""The report of a class: what stands first, what is counted, and that it is as safe as a student's page."""

import random
from collections import Counter
from dataclasses import replace

import decks
import pytest
from school import HOSTILE, ODD, school, sound

from course.teaching.grading.analysis import analyse
from course.teaching.grading.gradebook import by_student, total
from course.teaching.grading.records import Item, Marks, Remark, Student
from course.teaching.grading.report import page
from course.teaching.grading.student_page import names
from course.teaching.language import LANGUAGES, say

CLASS = school()


def row_of(soup, id):
    """The cells of an item's row."""
    [row] = [row for row in soup.select("table.items > tbody > tr") if row.b.get_text() == id]
    return row.find_all(["th", "td"], recursive=False)


@pytest.mark.parametrize("lang", [*LANGUAGES, None])
def test_the_report_is_whole_and_asks_for_nothing(lang):
    soup = sound(page(CLASS, lang))
    assert {span["lang"] for span in soup.select("span[lang]")} == ({*LANGUAGES} if lang is None else {lang})


def test_what_to_look_at_comes_first_and_is_complete():
    """Each student once, the lessons of one remark together; what nobody need look at is not there."""
    soup = sound(page(CLASS))
    assert [head.get_text() for head in soup.select("h2")] == [
        say(f"grade.{key}", "en") for key in ("look", "weak-items", "totals", "items")
    ]
    marked = {marks.student: marks for marks in CLASS if ODD in marks.remarks}
    rows = soup.select("table.students > tbody > tr")
    assert [row.th.select_one(".quiet").get_text() for row in rows] == [
        student.number for student in by_student(CLASS) if student in marked
    ]
    assert {row.td.get_text() for row in rows} == {"01, 02 no-outputsThe notebook was never run."}
    assert "0.1 of the course" not in soup.get_text()


def test_nothing_to_look_at_is_said():
    marks = [replace(some, remarks=(), key=str(k)) for k, some in enumerate(CLASS)]
    assert say("grade.look-none", "en") in sound(page(marks)).get_text()
    assert say("grade.look-none", "en") not in sound(page(CLASS)).get_text()


def test_what_was_handed_in_alike_is_named_where_chance_does_not_make_it_so():
    [first, second] = sound(page(CLASS)).select("ul.same > li")
    assert first.get_text() == "01: 김민지 20260011, 김민지 20260012"
    assert second.get_text().startswith("02: ")
    empty = Item("01-1", "question", "not attempted", 0, 2)
    for attempted in (0, 2, 3):
        items = [replace(empty, id=f"01-{k}", status="not yet" if k < attempted else empty.status) for k in range(4)]
        alike = [Marks("same", Student(name), "01", tuple(items)) for name in "ab"]
        assert bool(sound(page(alike)).select("ul.same")) == (attempted == 3)


def test_what_cannot_be_read_is_looked_at_and_is_no_lesson():
    lost = Marks(
        "lost", Student("Choi", participant="9"), "", (), (Remark("no-json", {"en": "odd", "ko": "이상"}, True),)
    )
    facts = [sound(page(marks)).select_one("dl.facts").get_text() for marks in (CLASS, [*CLASS, lost])]
    assert "01, 02" in facts[1]
    assert ", 01" not in facts[0] + facts[1]
    before, after = (sound(page(marks)).select("table.items tr") for marks in (CLASS, [*CLASS, lost]))
    assert before == after
    assert "no-json" in sound(page([*CLASS, lost])).select_one("table.students").get_text()
    assert sound(page([lost])).select("table.items") == []


def test_the_chart_counts_every_student_once():
    shares = [points / out_of for points, out_of in map(total, by_student(CLASS).values())]
    counts = Counter(min(int(10 * share + 1e-9), 9) for share in shares)
    soup = sound(page(CLASS))
    bars = soup.select(".chart > div")
    assert [bar.get_text() for bar in bars] == [str(counts[k] or "") for k in range(10)]
    assert sum(counts.values()) == 60
    heights = [float(bar.i["style"].split(": ")[1].removesuffix("em")) for bar in bars]
    assert heights == pytest.approx([10.5 * counts[k] / max(counts.values()) for k in range(10)], abs=0.01)


@pytest.mark.parametrize(("points", "place"), [(0, 0), (1, 1), (3, 3), (7, 7), (9, 9), (10, 9)])
def test_a_share_on_the_edge_is_in_the_upper_bin(points, place):
    marks = [Marks("k", Student("a"), "01", (Item("01-1", "question", "correct", points, 10),))]
    assert [k for k, bar in enumerate(sound(page(marks)).select(".chart > div")) if bar.get_text()] == [place]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_numbers_of_an_item_are_those_of_the_analysis(lang):
    soup = sound(page(CLASS, lang))
    found = analyse(CLASS)
    shown = [row.b.get_text() for row in soup.select("table.items > tbody > tr")]
    assert shown == [each.item.id for each in found]
    for each in found:
        _, got, first, discrimination, left, wrong = row_of(soup, each.item.id)
        assert got.get_text() == f"{100 * each.share:.0f} %"
        assert first.get_text() == f"{100 * each.first:.0f} %"
        assert discrimination.get_text().startswith(f"{each.discrimination:.2f}".replace("-", "\u2212"))
        assert left.get_text() == str(each.left)
        counts = [int(count.get_text().removesuffix(" ×")) for count in wrong.select("b")]
        assert counts[:3] == [count for _, count in each.wrong[:3]]
        assert sum(counts) == sum(count for _, count in each.wrong)
        texts = [span.get_text() for span in wrong.select("li > span")]
        assert texts[:3] == [text[lang] for text, _ in each.wrong[:3]]


def test_an_item_that_does_not_go_with_the_others_is_marked_and_linked():
    soup = sound(page(CLASS))
    weak = {each.item.id: each for each in analyse(CLASS) if each.is_weak}
    assert "02-2" in weak
    for id, each in weak.items():
        key = "grade.negative" if each.discrimination < 0 else "grade.weak"
        assert row_of(soup, id)[3].select_one(".tag").get_text() == say(key, "en")
        [link] = [link for link in soup.select("a[href^='#']") if link.get_text() == id]
        assert soup.find(id=link["href"][1:]).get_text() == id
    assert len(soup.select(".tag")) == len(weak)
    assert len(soup.select("a[href^='#']")) == len(weak)


def test_what_is_undefined_is_a_dash():
    marks = [Marks(name, Student(name), "01", (Item("01-1", "question", "correct", 2, 2),)) for name in "ab"]
    _, got, first, discrimination, left, wrong = row_of(sound(page(marks)), "01-1")
    assert [cell.get_text() for cell in (got, first, discrimination, left, wrong)] == ["100 %", "–", "–", "0", ""]
    nothing = [replace(some, items=(replace(some.items[0], points=0, out_of=0),)) for some in marks]
    assert row_of(sound(page(nothing)), "01-1")[1].get_text() == "–"


def test_students_are_linked_where_their_pages_are_known():
    files = names(by_student(CLASS))
    soup = sound(page(CLASS, "en", files))
    links = [link["href"] for link in soup.select("table.students a")]
    assert len(links) == len({marks.student for marks in CLASS if ODD in marks.remarks})
    assert all(link.endswith(".html") and link.isascii() and '"' not in link and "'" not in link for link in links)
    assert sound(page(CLASS)).select("table.students a") == []


@pytest.mark.parametrize("text", [HOSTILE, "</td>", "x" * 10_000, "\u202ex", "a\x00b", "\ud800", "' onclick='x", ""])
def test_hostile_texts_are_shown_and_nothing_else(text):
    texts = {"en": text or "-", "ko": text or "-"}
    remark = Remark(text, texts, True)
    ids = (("01-2", "question"), ("01-mix", "exercise"), ("98-1", "question"), (f"{text}?", "exercise"))
    items = tuple(Item(id, kind, "not yet", 0, 2, text, text, (texts,), 1, False) for id, kind in ids)
    marks = [
        Marks("k", Student(text, text, text, str(k)), lesson, items, (remark,)) for k in "ab" for lesson in (text, "01")
    ]
    for lang in (*LANGUAGES, None):
        sound(page(marks, lang, {marks[0].student: f"{text[:50]}.html".replace("\ud800", "")}))


def test_marks_without_a_sandbox_say_so_first():
    assert sound(page(school(trusted=True))).body.find(recursive=False)["class"] == ["warning"]
    assert sound(page(CLASS)).select(".warning") == []


def test_the_order_of_the_marks_changes_nothing():
    assert page(random.Random(0).sample(CLASS, len(CLASS)), None) == page(CLASS, None)


def test_an_empty_class_and_one_student():
    assert say("grade.empty", "en") in sound(page([])).get_text()
    soup = sound(page(CLASS[:1]))
    assert soup.select_one(".facts dd").get_text() == "1"
    assert {row.find_all("td")[2].get_text() for row in soup.select("table.items tbody tr")} == {"–"}


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_is_no_wider_than_its_window(chromium, width):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, **decks.OPTIONS)
        tab = browser.new_page(viewport={"width": width, "height": 800})
        tab.set_content(page(CLASS, None))
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        browser.close()
