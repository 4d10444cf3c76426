"""The overview of what is done: counted again by hand from the questions, the exercises and the events."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest
from helpers import answer
from project import ROOT

from course.teaching import events, exercises, quiz
from course.teaching.events import DAY, Event
from course.teaching.overview import Lesson, Overview, overview
from course.teaching.quiz import questions


def exercise(id, points):
    return Event(0, "exercise", id, "x", points, exercises.POINTS)


def everything(lesson):
    """Events that make all of a lesson right."""
    questions = [answer(id, question.points) for id, question in quiz.load(lesson).items()]
    return questions + [exercise(id, exercises.POINTS) for id in exercises.ids(lesson)]


def of(lesson, found):
    """The Lesson of a number."""
    return next(one for one in overview(found, now=0).lessons if one.number == lesson)


def test_nothing_done():
    seen = overview([], now=0)
    assert [lesson.number for lesson in seen.lessons] == quiz.lessons()
    assert {lesson.questions[0] + lesson.exercises[0] + lesson.points[0] for lesson in seen.lessons} == {0}
    assert not any(lesson.begun or lesson.done for lesson in seen.lessons)
    assert (seen.ahead.number, seen.due) == ("00", ())


def counting(number):
    """The questions of a lesson, by id, and the ids of its exercises, without what goes further."""
    questions = {id: question for id, question in quiz.load(number).items() if not question.further}
    return questions, [id for id, entry in quiz.exercises(number).items() if not entry.get("further")]


@pytest.mark.parametrize("number", quiz.lessons())
def test_all_of_a_lesson(number):
    lesson = of(number, everything(number))
    questions, names = counting(number)
    worth = sum(question.points for question in questions.values()) + 3 * len(names)
    assert lesson.questions == (len(questions),) * 2
    assert lesson.exercises == (len(names),) * 2
    assert lesson.points == (worth, worth)
    assert lesson.done
    [notebook] = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    first = "".join(json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"]).splitlines()[0]
    assert first == f"# {number} {lesson.title}"  # as the lesson calls itself


def test_points_are_the_best_of_each_and_never_more_than_there_are():
    two = next(id for id, question in quiz.load("02").items() if question.points == 2)
    one = next(id for id, question in quiz.load("02").items() if question.points == 1)
    name = exercises.ids("02")[0]
    found = [answer(two, 0), answer(two, 2), answer(two, 0), answer(one, 0), exercise(name, 1)]
    found += [
        Event(0, "guess", one, "b", 1, 1),
        Event(0, "answer", "02-99", "b", 2, 2),
        Event(0, "answer", "99-1", "b", 5, 5),
    ]
    lesson = of("02", found)
    assert (lesson.questions[0], lesson.exercises[0], lesson.points[0]) == (1, 0, 3)
    # a question that was worth more when it was answered counts for what it is worth now
    assert of("02", [Event(0, "answer", one, "b", 5, 5)]).points[0] == 1
    assert of("03", found).points[0] == 0


def test_it_goes_on_with_the_last_lesson_begun_then_the_next_then_what_was_left_out():
    first = {number: answer(id, quiz.find(id).points) for number in quiz.lessons() for id in [f"{number}-1"]}

    def ahead(*found):
        return overview([*found], now=0).ahead

    assert ahead(answer("03-1", 0)).number == "00"  # a wrong answer is no beginning
    assert ahead(first["01"]).number == "01"
    assert ahead(first["01"], first["03"]).number == "03"
    assert ahead(*everything("01")).number == "02"
    assert ahead(*everything("01"), first["03"]).number == "03"
    last = quiz.lessons()[-1]
    assert ahead(*everything(last)).number == "00"
    assert ahead(*everything(last), *everything("00")).number == "01"
    whole = [event for number in quiz.lessons() for event in everything(number)]
    assert ahead(*whole) is None
    assert [*overview(whole, now=0).advice()] == ["Everything is done."]


def test_it_says_what_to_repeat_and_forgets_questions_that_no_file_has():
    found = [answer("02-1", 0, day=1), answer("01-1", 0, day=0), Event(0, "answer", "01-99", "b", 0, 1)]
    assert overview(found, now=0.5 * DAY).due == ()
    assert overview(found, now=1.5 * DAY).due == ("01-1",)
    seen = overview(found, now=9 * DAY)
    assert seen.due == ("01-1", "02-1")
    sentence = "To repeat today, because you missed them once: 01-1, 02-1."
    assert [*seen.advice()] == ["Go on with lesson 00, Welcome.", sentence]
    assert sentence in str(seen)
    assert sentence in seen._repr_html_()


def test_text_and_html_hold_the_same_cells():
    found = [*everything("01"), answer("02-1", 2), answer("03-1", 0)]
    seen = overview(found, now=5 * DAY)
    rows = [lesson.cells for lesson in seen.lessons]
    text = str(seen).splitlines()
    assert [tuple(re.split(r"\s{2,}", line)) for line in text[1 : len(rows) + 1]] == rows
    page = seen._repr_html_()
    html_rows = re.findall(r"<tr>(.*?)</tr>", page)[1:]
    assert [
        tuple(unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)) for row in html_rows
    ] == rows
    assert [unescape(line) for line in re.findall(r"<p>(.*?)</p>", page)] == text[len(rows) + 2 :] == [*seen.advice()]
    counts = *map(len, counting("01")), seen.lessons[1].points[1]
    assert rows[1] == ("01 What noise does to an image", *(f"{count} of {count}" for count in counts))
    heads = re.findall(r"<th scope='col'[^>]*>(.*?)</th>", page)
    assert heads == re.split(r"\s{2,}", text[0]) == ["lesson", "questions right", "exercises right", "points"]


def test_it_speaks_korean_and_its_columns_still_stand_below_each_other(monkeypatch):
    """A letter of Hangul is two columns wide in a terminal."""
    monkeypatch.setenv("COURSE_LANG", "ko")
    seen = overview([*everything("01"), answer("02-1", 0, day=1)], now=5 * DAY)
    head, *rows = str(seen).splitlines()[: len(seen.lessons) + 1]
    assert head.split() == ["단원", "맞은", "문제", "맞은", "연습", "문제", "점수"]
    lines = [head.removesuffix("점수")]
    lines += [row.removesuffix(lesson.cells[-1]) for row, lesson in zip(rows, seen.lessons, strict=True)]
    assert len({sum(2 if re.match("[가-힣]", c) else 1 for c in line) for line in lines}) == 1
    assert [*seen.advice()] == ["02강(순방향 과정)을 이어서 하세요.", "한 번 틀려서 오늘 다시 풀 것: 02-1."]


def test_html_is_escaped():
    lesson = Lesson("01", "a<b & c", (0, 1), (0, 1), (0, 1))
    page = Overview((lesson,), lesson, ("<i>",))._repr_html_()
    assert page.count("a&lt;b &amp; c") == 2
    assert "&lt;i&gt;" in page
    assert "a<b" not in page


def test_it_reads_what_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress"))
    assert overview().lessons[2].points[0] == 0
    events.note("answer", "02-1", "b", 2, 2)
    assert overview().lessons[2].points[0] == quiz.find("02-1").points
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))
    with pytest.raises(OSError, match="cannot be kept in"):
        overview()


def test_what_is_further_does_not_count_for_done(monkeypatch):
    """Neither a question nor an exercise: with all the others right the lesson is done."""
    questions, words = quiz.load("02"), quiz.exercises("02")
    extra = next(iter(questions)), next(iter(words))
    further = questions | {extra[0]: replace(questions[extra[0]], further=True)}
    monkeypatch.setattr(quiz, "load", lambda number, load=quiz.load: further if number == "02" else load(number))
    marked = words | {extra[1]: words[extra[1]] | {"further": True}}
    monkeypatch.setattr(quiz, "exercises", lambda number, of=quiz.exercises: marked if number == "02" else of(number))
    rest = [event for event in everything("02") if event.id not in extra]
    lesson = of("02", rest)
    assert lesson.done
    assert lesson.questions == (len(questions) - 1, len(questions) - 1)
    assert lesson.exercises == (len(words) - 1, len(words) - 1)
    assert of("02", [*rest, exercise(extra[1], 3)]) == lesson  # and done, they add nothing


def test_what_a_lesson_no_longer_has_is_ignored():
    """A question or an exercise that was done under an older version of the course."""
    gone = [Event(0, "answer", "02-99", "a", 1, 1), exercise("02-retired", 3), exercise("55-other", 3)]
    missed = [Event(0, "answer", "02-98", "a", 0, 1)]
    assert overview(everything("02") + gone + missed, now=30 * DAY) == overview(everything("02"), now=30 * DAY)
    assert str(overview(gone, now=0)) == str(overview([], now=0))


def test_a_lesson_is_called_in_both_languages_and_by_its_file_where_that_says_nothing(monkeypatch):
    assert {lesson.title for lesson in overview([]).lessons} == {quiz.title(n)["en"] for n in quiz.lessons()}
    monkeypatch.setenv("COURSE_LANG", "ko")
    assert {lesson.title for lesson in overview([]).lessons} == {quiz.title(n)["ko"] for n in quiz.lessons()}
    assert "순방향 과정" in str(overview([]))
    whole = questions._file("02")
    monkeypatch.setattr(questions, "_file", lambda lesson: {k: v for k, v in whole.items() if k != "title"})
    assert quiz.title("02") == {"en": "forward process", "ko": "forward process"}
