"""What is left of a text that a student chose, and in which language things are said."""

import pytest

from course.teaching.grading.records import Item, Student
from course.teaching.grading.wording import answered, heading, name_of, plain, tell


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("김민지", "김민지"),
        ("  a \t b\r\nc ", "a b c"),
        ("a\x00b", "a\ufffdb"),
        ("\ud800", "\ufffd"),
        ("\u202eabc\u2066", "abc"),
        ("a\u2028b", "a b"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("", ""),
    ],
)
def test_a_text_is_one_line_that_can_be_shown(text, kept):
    assert plain(text) == kept


def test_a_text_keeps_its_lines_where_asked_to():
    assert plain("\n  a\r\n\tb\x85c\n", lines=True) == "  a\n b\nc"


def test_a_long_text_is_cut_with_an_ellipsis():
    assert plain("x" * 10, 10) == "x" * 10
    assert plain("x" * 11, 10) == "x" * 10 + "…"
    assert plain("\u202e" * 100 + "x", 10) == "…"
    assert len(plain("x" * 10_000_000)) == 1001


def test_a_text_is_told_in_the_languages_asked_for():
    text = {"en": "<a>", "ko": "가"}
    assert tell(text, "en") == "<span lang='en'>&lt;a&gt;</span>"
    assert tell(text, "ko") == "<span lang='ko'>가</span>"
    assert tell(text, None) == tell(text, "en") + tell(text, "ko")
    for same in ({"en": "a"}, {"en": "a", "ko": "a"}):
        assert tell(same, None) == "<span lang='en'>a</span>"
    assert tell({"en": "a"}, "ko") == "<span lang='en'>a</span>"


def test_a_student_without_a_name_is_called_so():
    assert name_of(Student(" \u202e ")) == "(no name)"
    assert name_of(Student(""), "ko") == "(이름 없음)"


def test_a_lesson_that_is_not_there_is_its_number():
    assert heading("02", "ko") == "02 순방향 과정"
    assert heading("no\nlesson") == "no lesson"


@pytest.mark.parametrize(
    ("id", "given", "told"),
    [
        ("01-1", "b", "b) about 1"),
        ("01-1", "정답은 B 입니다", "b) about 1"),
        ("01-1", "zebra", "zebra"),
        ("01-2", "0.5 ", "0.5"),
        ("98-1", "b", "b"),
    ],
)
def test_an_answer_is_told_with_the_text_of_its_option(id, given, told):
    assert answered(Item(id, "question", "not yet", 0, 2, given))["en"].strip() == told
