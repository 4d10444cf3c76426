"""The marks as tables: read back equal, in one order, and safe in a spreadsheet."""

import csv
import io
import random
from dataclasses import replace

import pytest
from school import HOSTILE, school

from course.teaching import quiz
from course.teaching.grading import gradebook
from course.teaching.grading.gradebook import by_student, cell, left_out, marks_csv, moodle_csv, moodle_gradebook_csv
from course.teaching.grading.records import Item, Marks, Remark, Student

CLASS = school()
KIM, LEE = Student("김민지", "20260001", "12345", "a"), Student("Lee", "20260002", "12346", "b")


def rows(text):
    """A table as a spreadsheet reads it; the byte order mark is no part of its first cell."""
    assert text.startswith("\ufeff")
    return [*csv.reader(io.StringIO(text[1:], newline=""), strict=True)]


def records(text):
    """The same as dicts by the heads."""
    head, *found = rows(text)
    assert len({*head}) == len(head)
    return [dict(zip(head, row, strict=True)) for row in found]


def question(id, status, points, out_of=2, **more):
    return Item(id, "question", status, points, out_of, **more)


def small():
    """Two students: Kim handed in two lessons, Lee one; 01-2 does not count, 01-77 is in no quiz file."""
    kim = (
        Item("01-mix", "exercise", "correct", 3, 3),
        question("01-2", "correct", 2, further=True),
        question("01-1", "not yet", 0),
    )
    remarks = (Remark("odd", {"en": "Odd."}, True), Remark("old", {"en": "Old."}))
    lee = (question("01-77", "correct", 1, 1), question("01-1", "not attempted", 0))
    return [
        Marks("k1", KIM, "01", kim, remarks),
        Marks("k2", KIM, "02", (question("02-1", "correct", 2),)),
        Marks("l1", LEE, "01", lee),
    ]


def test_each_student_is_a_row_and_each_item_a_column_in_the_order_of_the_files():
    heads = ["name", "number", "participant", "folder", "01-1 (2)", "01-2 (+2)", "01-mix (3)", "01-77 (1)", "02-1 (2)"]
    assert rows(marks_csv(small())) == [
        [*heads, "lesson 01", "lesson 02", "total", "out of", "percent", "remarks"],
        ["Lee", "20260002", "12346", "b", "", "", "", "1", "", "1", "", "1", "8", "12.5", ""],
        ["김민지", "20260001", "12345", "a", "0", "2", "3", "", "2", "3", "2", "5", "8", "62.5", "odd"],
    ]


def test_a_class_reads_back_equal():
    """Every number of every mark; an empty cell where and only where nothing was attempted."""
    found = {(row["folder"]): row for row in records(marks_csv(CLASS))}
    assert len(found) == 60
    for marks in CLASS:
        row = found[marks.student.folder]
        for item in marks.items:
            head = f"{item.id} ({'+' if item.further else ''}{item.out_of})"
            assert row[head] == ("" if item.status == "not attempted" else str(item.points))
        assert row[f"lesson {marks.lesson}"] == str(marks.points)
    for folder, row in found.items():
        mine = [marks for marks in CLASS if marks.student.folder == folder]
        assert int(row["total"]) == sum(marks.points for marks in mine)
        assert int(row["out of"]) == sum(
            each.points for lesson in ("01", "02") for each in quiz.load(lesson).values() if not each.further
        ) + 3 * sum(not words.get("further") for lesson in ("01", "02") for words in quiz.exercises(lesson).values())
        assert float(row["percent"]) == pytest.approx(100 * int(row["total"]) / int(row["out of"]), abs=0.005)


def test_the_items_stand_as_in_the_quiz_files():
    heads = [head.partition(" ")[0] for head in rows(marks_csv(CLASS))[0]]
    ids = [id for lesson in ("01", "02") for id in (*quiz.load(lesson), *quiz.exercises(lesson))]
    assert heads[4 : 4 + len(ids)] == ids


@pytest.mark.parametrize("table", [marks_csv, moodle_csv, moodle_gradebook_csv])
def test_the_order_of_the_marks_changes_nothing(table):
    mixed = [replace(marks, items=tuple(random.Random(1).sample(marks.items, len(marks.items)))) for marks in CLASS]
    random.Random(0).shuffle(mixed)
    assert table(mixed) == table(CLASS)


@pytest.mark.parametrize("table", [marks_csv, moodle_csv, moodle_gradebook_csv])
def test_an_empty_class_is_a_row_of_heads_and_one_student_one_more(table):
    assert len(rows(table([]))) == 1
    assert len(rows(table(small()[:1]))) == 2


PLAIN = ("=1+1", "+1", "-1+cmd|'/C calc'!A0", "@SUM(A1)", "＝1", "＋1", "＠x")
FORMULAS = (*PLAIN, "\t=1", "\r=1", "\n=1", " =1", "\ufeff=1")


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(formula):
    student = Student(formula, formula, "7", formula)
    odd = Remark(formula, {"en": formula}, True)
    marks = [Marks("k", student, formula, (question(formula, "correct", 1),), (odd,))]
    for table in (marks_csv, moodle_csv, moodle_gradebook_csv):
        for row in rows(table(marks)):
            assert not [text for text in row if text != "-" and text[:1] in {*"=+-@\t\r\n＝＋－＠"} and text]
    assert rows(marks_csv(marks))[1][0] == "'" + formula.strip("\t\r\n \ufeff")


@pytest.mark.parametrize("name", ["", "x" * 100_000, HOSTILE, "a\x00b", "\ud800", '"; DROP', "a,b\nc", "\u202egnp.exe"])
def test_any_name_is_one_cell_that_can_be_written(name):
    text = marks_csv([Marks("k", Student(name, "1", "2", "f"), "01", (question("01-1", "correct", 2),))])
    _, row = rows(text.encode("utf-8").decode("utf-8"))
    assert row[1:5] == ["1", "2", "f", "2"]
    assert not {*row[0]} & {*"\x00\n\r\u202e"}
    assert len(row[0]) <= 32_767  # what a spreadsheet takes


def test_a_harmless_text_stays_as_it_is():
    for text in ("김민지", "Kim, Minji", 'a "b" c', "x=1", "a-b", "", "-", "여\u3000백".replace("\u3000", " ")):
        assert cell(text) == text
    assert cell(-3) == -3


def test_the_worksheet_names_participants_and_gives_percent():
    found = records(moodle_csv(small(), "en"))
    assert tuple(found[0]) == gradebook.WORKSHEET
    assert [(row["Identifier"], row["Grade"], row["Maximum Grade"]) for row in found] == [
        ("Participant 12346", "12.5", "100"),
        ("Participant 12345", "62.5", "100"),
    ]
    assert found[1]["Feedback comments"] == "5 of 8 points (62.5 %). Not right yet: 01-1, 01-77."
    korean, both = records(moodle_csv(small(), "ko"))[1], records(moodle_csv(small()))[1]
    assert "8점 만점에 5점" in korean["Feedback comments"]
    assert both["Feedback comments"] == f"{found[1]['Feedback comments']} {korean['Feedback comments']}"


def test_a_long_comment_is_not_cut():
    wrong = tuple(question(f"01-{k:04d}", "not yet", 0) for k in range(900))
    [row] = records(moodle_csv([Marks("k", KIM, "01", wrong)], "en"))
    assert row["Feedback comments"].endswith("01-0898, 01-0899.")


def test_a_comment_says_so_where_nothing_guarded_the_marks():
    marks = [replace(some, trusted=True) for some in small()]
    assert all("without a sandbox" in row["Feedback comments"] for row in records(moodle_csv(marks, "en")))
    assert "sandbox" not in moodle_csv(small(), "en")


def test_the_gradebook_is_by_number_with_a_dash_for_what_was_not_handed_in():
    assert rows(moodle_gradebook_csv(small(), "en")) == [
        ["ID number", "Full name", f"01 {quiz.title('01')['en']}", f"02 {quiz.title('02')['en']}", "Total"],
        ["20260002", "Lee", "16.67", "-", "12.5"],
        ["20260001", "김민지", "50", "100", "62.5"],
    ]


def test_who_cannot_be_named_is_left_out_and_listed():
    """No number, one that two bear, one that is none."""
    numbers = [("", ""), ("1", "5"), ("1", "5"), ("2", "x"), ("=3", "6")]
    people = [Student(name, *mine) for name, mine in zip("abcde", numbers, strict=True)]
    marks = [Marks("k", each, "01", (question("01-1", "correct", 2),)) for each in people]
    assert [each.name for each in left_out(marks, "participant")] == ["a", "b", "c", "d"]
    assert [row["Identifier"] for row in records(moodle_csv(marks))] == ["Participant 6"]
    assert [each.name for each in left_out(marks, "number")] == ["a", "b", "c", "e"]
    assert [row["ID number"] for row in records(moodle_gradebook_csv(marks))] == ["2"]


def test_every_student_has_every_lesson_and_item():
    students = by_student(small())
    assert [*students] == [LEE, KIM]
    lee = students[LEE]
    assert [some.lesson for some in lee] == ["01", "02"]
    assert [item.id for item in lee[0].items] == ["01-1", "01-2", "01-mix", "01-77"]
    assert lee[1].key == ""
    assert {item.status for item in lee[1].items} == {"not attempted"}
    assert gradebook.total(lee) == (1, 8)
    assert [item for item in students[KIM][0].items if item.id != "01-77"] == sorted(
        small()[0].items, key=lambda item: ["01-1", "01-2", "01-mix"].index(item.id)
    )


def test_two_marks_in_one_lesson_and_marks_without_a_key_are_refused():
    with pytest.raises(ValueError, match="has two marks in lesson 01"):
        by_student([*small(), replace(small()[0], key="other")])
    with pytest.raises(ValueError, match="have no key"):
        by_student([replace(small()[0], key="")])
