"""Questions on the page: what is said, when the answer may be seen, and that a click and a typed answer do the same."""

import os
import re
import time
from dataclasses import replace
from html import escape, unescape

import ipywidgets
import pytest

from course.teaching import events, my_progress, quiz
from course.teaching.overview import overview
from course.teaching.quiz import marking
from course.teaching.quiz import page as quiz_page
from course.teaching.quiz.controls import CONTROLS, example
from course.teaching.quiz.marking import right_answer
from course.teaching.quiz.page import Asked, ask
from course.viz.html import formulas

HANGUL = re.compile("[가-힣]")
OF_KIND = {"choice": "01-1", "several": "01-6", "number": "01-5", "text": "01-9", "order": "01-10"}
WRONG = {"choice": "a", "several": "ab", "number": "1000", "text": "gan", "order": "cdab"}
UNREADABLE = {"choice": "ab", "several": "z", "number": "many", "text": "...", "order": "dca"}
WHY = "<b>Why:</b>"


@pytest.fixture(autouse=True)
def learner(tmp_path, monkeypatch):
    """A learner who has done nothing yet, and reads English; the file of what is done."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress"))
    monkeypatch.setenv("COURSE_LANG", "en")
    quiz_page._shown.clear()
    yield tmp_path / "progress"
    quiz_page._shown.clear()


def kept():
    """What was noted, as (kind, id, answer, points, out_of)."""
    return [(event.kind, event.id, event.answer, event.points, event.out_of) for event in events.events()]


def status(asked):
    """What the status line says, without markup."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", asked.status.value)).split())


def pages(widget):
    """The HTML of a widget and of all that it holds."""
    if isinstance(widget, ipywidgets.HTML | ipywidgets.HTMLMath):
        yield widget.value
    for child in getattr(widget, "children", ()):
        yield from pages(child)


def shown(asked):
    """Everything that is there to read, apart from the button that offers the other language: [text]."""

    def labels(widget):
        if widget is not asked.switch:
            yield getattr(widget, "description", "")
            yield from getattr(widget, "_options_labels", ())
            for child in getattr(widget, "children", ()):
                yield from labels(child)

    bundle = asked._repr_mimebundle_()
    return [*pages(asked.box), *labels(asked.box), bundle["text/plain"], bundle["text/html"]]


def read(question, language="en"):
    """A real question with the texts that give its answer away."""
    return [question.explanation[language], *(entry["feedback"][language] for entry in question.answers)]


def gives_away(asked):
    """Whether anything that is shown gives the answer away."""
    everything = unescape(" ".join(shown(asked)))
    return any(text in everything for text in read(asked.question)) or "<details>" in everything


# Marking


@pytest.mark.parametrize("kind", OF_KIND)
def test_wrong_twice_then_right(kind):
    question = quiz.find(OF_KIND[kind])
    asked = ask(question.id)
    assert asked.result is None
    assert status(asked) == ""
    worth = question.points
    for answer, correct, explained in ((WRONG[kind], False, False), (WRONG[kind], False, True), (None, True, True)):
        answer = answer or right_answer(question)
        asked.control.write(answer)
        asked.button.click()
        expected = marking.mark(question, answer)
        assert asked.result == expected
        assert asked.result.correct is correct
        said = status(asked)
        verdict = f"Correct. {worth} of {worth} points." if correct else f"Not yet. 0 of {worth} points."
        assert said.startswith(f"{verdict} {expected.feedback[0]['en']}")
        assert all(text["en"] in said for text in expected.feedback)
        assert (WHY in asked.status.value) == explained == (question.explanation["en"] in said)
        assert ("Try once more." in said) != explained
    assert kept() == [
        ("answer", question.id, WRONG[kind], 0, worth),
        ("answer", question.id, WRONG[kind], 0, worth),
        ("answer", question.id, right_answer(question), worth, worth),
    ]


def test_the_explanation_comes_with_the_second_miss_in_another_cell_too():
    assert WHY not in ask("01-1", answer="a").status.value
    assert WHY not in ask("01-7", answer="a").status.value  # each question has its own tries
    assert WHY in ask("01-1", answer="b").status.value
    assert WHY in ask("01-1", answer="c").status.value
    assert WHY not in ask("01-1", answer="a").status.value  # right in between: it begins anew


def test_nothing_is_told_before_an_answer_nor_the_rest_after_the_first_miss():
    asked = ask("01-1", answer="a")
    everything = unescape(" ".join(shown(asked)))
    others = [text for text in read(asked.question) if text != asked.question.answers[0]["feedback"]["en"]]
    assert asked.question.answers[0]["feedback"]["en"] in everything
    assert not any(text in everything for text in others)
    assert "<details>" not in everything


@pytest.mark.parametrize("kind", OF_KIND)
@pytest.mark.parametrize("which", ["right", "wrong", "unreadable"])
@pytest.mark.parametrize("later", [False, True])
def test_typed_and_clicked_are_the_same(kind, which, later, monkeypatch, tmp_path):
    id = OF_KIND[kind]
    answer = {"right": right_answer(quiz.find(id)), "wrong": WRONG[kind], "unreadable": UNREADABLE[kind]}[which]
    if which == "unreadable" and kind in ("choice", "several"):
        answer = ""  # the only one that can be clicked
    typed = ask(id, answer=answer, later=later)
    one, noted = (typed.result, typed.status.value, typed._repr_mimebundle_()["text/html"]), kept()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "other"))
    clicked = ask(id, later=later)
    if answer:
        clicked.control.write(answer)
    clicked.button.click()
    assert (clicked.result, clicked.status.value, clicked._repr_mimebundle_()["text/html"]) == one
    assert kept() == noted
    assert len(noted) == (which != "unreadable")


@pytest.mark.parametrize("kind", OF_KIND)
def test_what_cannot_be_read_says_what_to_type_and_costs_nothing(kind):
    asked = ask(OF_KIND[kind], answer=UNREADABLE[kind])
    with pytest.raises(marking.Unreadable) as caught:
        marking.mark(asked.question, UNREADABLE[kind])
    assert status(asked) == caught.value.text["en"]
    asked.switch.click()
    assert status(asked) == caught.value.text["ko"]
    assert kept() == []
    assert asked.result is None
    os.environ["COURSE_LANG"] = "en"
    assert WHY not in ask(OF_KIND[kind], answer=WRONG[kind]).status.value  # it was no try
    assert not gives_away(ask(OF_KIND[kind], answer=UNREADABLE[kind]))


@pytest.mark.parametrize("answer", [3, 0.5, True, ["x", 1], [None], {"a": 1}])
@pytest.mark.parametrize("kind", OF_KIND)
def test_no_answer_is_a_traceback(kind, answer):
    assert status(ask(OF_KIND[kind], answer=answer))


def test_answers_may_be_lists():
    asked = ask("01-6", answer=["b", "e"])
    assert asked.result.correct
    assert kept() == [("answer", "01-6", "be", 1, 1)]
    assert asked.control.read() == "be"


@pytest.mark.parametrize("kind", OF_KIND)
def test_a_verdict_goes_when_the_answer_changes_and_stays_when_the_language_does(kind):
    asked = ask(OF_KIND[kind], answer=WRONG[kind])
    assert status(asked).startswith("Not yet.")
    asked.switch.click()
    assert status(asked).startswith("아직 정답이 아닙니다.")
    asked.control.write(right_answer(asked.question))  # as a learner would, by the controls
    assert status(asked) == ""
    asked.button.click()
    assert status(asked).startswith("맞았습니다.")


@pytest.mark.parametrize("kind", ["number", "text", "order"])
def test_the_enter_key_checks(kind):
    asked = ask(OF_KIND[kind])
    asked.control.write(right_answer(asked.question))
    asked.control.line._handle_custom_msg({"event": "blur"}, [])
    assert asked.result is None
    asked.control.line._handle_custom_msg({"event": "submit"}, [])  # what the page sends for Enter
    assert asked.result.correct


def test_what_is_missing_is_told_with_the_second_try_only():
    asked = ask(OF_KIND["several"])
    right = right_answer(asked.question)
    missed = next(option for option in asked.question.answers if option["id"] == right[-1])["missed"]["en"]
    for told in (False, True):
        asked.take(right[:-1])
        assert (missed in status(asked)) == told
        assert ("Something that is right is not ticked yet." in status(asked)) != told
        assert ("Now you know" in status(asked)) == told
    asked.take(right)
    assert "Now you know" not in status(asked)


def test_a_question_that_no_file_has_is_refused():
    with pytest.raises(LookupError, match="there is no question '01-99'; the lesson has 01-1"):
        ask("01-99")


# A guess before the run


@pytest.mark.parametrize("kind", OF_KIND)
@pytest.mark.parametrize("guess", ["right", "wrong"])
def test_a_guess_is_noted_and_nothing_is_revealed(kind, guess):
    question = quiz.find(OF_KIND[kind])
    answer = right_answer(question) if guess == "right" else WRONG[kind]
    asked = ask(question.id, later=True)
    assert asked.button.description == "Note my guess"
    assert not gives_away(asked)
    asked.control.write(answer)
    asked.button.click()
    assert status(asked) == f"Noted: {answer}. The run below will tell."
    assert asked.result is None
    assert not gives_away(asked)
    assert not re.search(r"Correct|Not yet|points", " ".join(shown(asked)))
    assert kept() == [("guess", question.id, answer, 0, 0)]
    assert WHY not in ask(question.id, answer=WRONG[kind]).status.value  # a guess is no try


@pytest.mark.parametrize("kind", OF_KIND)
def test_a_guess_reaches_the_question_that_is_shown_already(kind):
    """As after "run all": the question stands on the page before the guess is made."""
    before, asked = ask(OF_KIND[kind], later=True), ask(OF_KIND[kind])
    assert status(asked) == ""
    before.take(WRONG[kind])
    assert asked.control.read() == WRONG[kind]
    assert status(asked) == f"Your guess was {WRONG[kind]}. Keep it or change it, then check."
    asked.button.click()
    verdict = status(asked)
    before.take(right_answer(asked.question))
    assert status(asked) == verdict  # what is marked stays


@pytest.mark.parametrize("kind", OF_KIND)
def test_the_guess_comes_back_and_can_be_changed(kind):
    id = OF_KIND[kind]
    ask(id, answer=right_answer(quiz.find(id)), later=True)
    ask(id, answer=WRONG[kind], later=True)
    asked = ask(id)
    assert asked.control.read() == WRONG[kind]
    assert status(asked) == f"Your guess was {WRONG[kind]}. Keep it or change it, then check."
    assert not gives_away(asked)
    asked.button.click()
    assert asked.result == marking.mark(asked.question, WRONG[kind])
    again = ask(id)
    assert status(again) == ""  # it was answered since
    assert again.control.read() == ""
    assert [row[0] for row in kept()] == ["guess", "guess", "answer"]


def test_a_guess_at_one_question_is_none_at_another():
    ask("01-1", answer="b", later=True)
    assert status(ask("01-4")) == status(ask("01-1", later=True)) == ""


def test_a_guess_that_the_question_no_longer_has_is_let_go():
    events.note("guess", "01-1", "h")
    events.note("guess", "01-6", "h")
    assert ask("01-1").control.read() == ask("01-6").control.read() == ""


def test_the_hint_to_type_notes_a_guess_where_a_guess_is_asked_for():
    for later in (False, True):
        [line] = [x for x in ask("01-1", later=later)._repr_mimebundle_()["text/plain"].splitlines() if "Without" in x]
        assert ("later=True" in line) == later


# Languages


@pytest.mark.parametrize("kind", OF_KIND)
@pytest.mark.parametrize("state", ["new", "wrong", "wrong twice", "right", "unreadable", "noted", "guessed"])
def test_the_switch_changes_every_text(kind, state):
    id = OF_KIND[kind]
    answers = {
        "new": [],
        "wrong": [WRONG[kind]],
        "wrong twice": [WRONG[kind]] * 2,
        "right": ["767" if kind == "number" else right_answer(quiz.find(id))],
        "unreadable": [UNREADABLE[kind]],
        "noted": [WRONG[kind]],
        "guessed": [],
    }[state]
    if state == "guessed":
        ask(id, answer=WRONG[kind], later=True)
    asked = ask(id, later=state == "noted")
    for answer in answers:
        asked.take(answer)
    english, events, chosen = shown(asked), kept(), asked.control.read()
    assert not any(HANGUL.search(text) for text in english)
    assert asked.switch.description == "한국어"
    asked.switch.click()
    korean = shown(asked)
    assert asked.switch.description == "English"
    assert len(korean) == len(english)
    question = asked.question
    feedback = asked.result.feedback if asked.result else ()
    said = {words["en"]: words["ko"] for words in (question.prompt, question.explanation, *feedback)}
    said |= {option["text"]["en"]: option["text"]["ko"] for option in question.options}
    for before, after in zip(map(unescape, english), map(unescape, korean), strict=True):
        assert all(ko in after for en, ko in said.items() if en in before)
        assert bool(HANGUL.search(after)) == bool(re.search("[A-Za-z]", re.sub("<[^>]+>", "", before)))
    assert (kept(), asked.control.read()) == (events, chosen)
    asked.switch.click()
    assert shown(asked) == english


def test_the_switch_holds_for_the_questions_that_come_after():
    one = ask("01-1")
    one.switch.click()
    assert os.environ["COURSE_LANG"] == "ko"
    other = ask("01-4")
    assert other.language == "ko"
    assert formulas(other.question.prompt["ko"]) in other.prompt.value
    other.switch.click()
    assert ask("01-1").language == "en"
    assert one.language == "ko"  # what stands there stays


def test_a_language_that_the_course_has_not_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_LANG", "de")
    with pytest.raises(ValueError, match="the course speaks en and ko"):
        ask("01-1")


# Controls


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", OF_KIND)
def test_a_control_gives_back_what_was_written(kind, language):
    question = quiz.find(OF_KIND[kind])
    control = CONTROLS[kind](question)
    assert control.read() == ""
    control.speak(language)
    assert control.read() == ""  # nothing is chosen beforehand
    for answer in (right_answer(question, language), WRONG[kind], example(question)):
        control.write(answer)
        assert control.read() == answer
        for other in ("en", "ko"):
            control.speak(other)
            assert control.read() == answer


def test_letters_are_chosen_however_they_were_typed():
    several, choice = CONTROLS["several"](quiz.find("01-6")), CONTROLS["choice"](quiz.find("01-1"))
    several.write("E, b")
    assert several.read() == "be"
    several.write("a")
    assert several.read() == "a"
    choice.write(" C) ")
    assert choice.read() == "c"


def test_a_formula_is_set_by_the_browser_itself():
    """No frontend need know LaTeX: VS Code does not set it inside widgets."""
    asked = ask("05-7")
    assert type(asked.prompt) is ipywidgets.HTML
    assert "<math>" in asked.prompt.value
    assert "<mi>α</mi>" in asked.prompt.value
    assert "$" not in asked.prompt.value
    assert "alpha" not in asked.prompt.value


@pytest.mark.parametrize("later", [False, True])
def test_a_formula_is_set_without_a_kernel_too(later):
    """Where no widget is drawn, nothing need set LaTeX in an output: GitHub, VS Code before the kernel runs."""
    asked = ask("05-7", later=later)
    page = asked._repr_mimebundle_()["text/html"]
    assert formulas(asked.question.prompt["en"]) in page
    assert "$" not in page
    assert "\\alpha" not in page


def test_every_question_can_be_shown_and_typed_as_its_example():
    for number in quiz.lessons():
        for question in quiz.load(number).values():
            asked = Asked(question)
            assert f"<b>{question.id}</b>" in asked.prompt.value
            assert formulas(question.prompt["en"]) in asked.prompt.value
            assert all(f"{o['id']}) {o['text']['en']}" in unescape(" ".join(shown(asked))) for o in question.options)
            assert {type(asked.control)} == {CONTROLS[question.kind]}
            assert repr(example(question)) in asked._repr_mimebundle_()["text/plain"]
            if question.kind != "text":
                assert marking.mark(question, example(question)).feedback


def test_the_right_answer_is_exact_for_large_counts():
    question = quiz.find("01-5")
    answers = [question.answers[0] | {"value": 12345678, "tolerance": 0}, *question.answers[1:]]
    large = replace(question, answers=answers)
    assert marking.mark(large, right_answer(large)).correct


# What is shown without a kernel, or without widgets


def bundle(asked):
    return asked._repr_mimebundle_(include=None, exclude=None)


def test_the_bundle_has_a_widget_a_page_and_a_text():
    asked = ask("01-1")
    found = bundle(asked)
    assert found.keys() == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    view = found["application/vnd.jupyter.widget-view+json"]
    assert view == {"version_major": 2, "version_minor": 0, "model_id": asked.box.model_id}
    assert isinstance(asked.box, ipywidgets.VBox)
    options = [f"{option['id']}) {option['text']['en']}" for option in asked.question.options]
    assert [line.strip() for line in found["text/plain"].splitlines()[1:-1]] == options
    assert found["text/plain"].splitlines()[-1] == "Without a mouse: ask(\"01-1\", answer='a')"
    assert re.findall(r"<li>(.*?)</li>", found["text/html"]) == [escape(option) for option in options]


@pytest.mark.parametrize("kind", OF_KIND)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_answer_lies_behind_a_fold_only_before_anything_was_said(kind, language, monkeypatch):
    monkeypatch.setenv("COURSE_LANG", language)
    question = quiz.find(OF_KIND[kind])
    [fold] = re.findall(r"<details>(.*)</details>", bundle(ask(question.id))["text/html"])
    assert escape(f"{right_answer(question, language)}. {question.explanation[language]}") in fold
    assert question.explanation[language] not in bundle(ask(question.id))["text/plain"]
    for asked in (
        ask(question.id, later=True),
        ask(question.id, WRONG[kind]),
        ask(question.id, WRONG[kind], later=True),
    ):
        assert "<details>" not in bundle(asked)["text/html"]
        assert escape(question.explanation[language]) not in bundle(asked)["text/html"]
    assert "<details>" not in bundle(ask(question.id))["text/html"]  # the guess came back; its owner is there to answer


def test_the_plain_text_says_what_came_of_it():
    wrong, right = (bundle(ask("01-1", answer=x))["text/plain"] for x in "ac")
    answers = quiz.find("01-1").answers
    assert "Not yet." in wrong
    assert answers[0]["feedback"]["en"] in wrong
    assert "Correct." in right
    assert answers[2]["feedback"]["en"] in right


NASTY = '<img src=x onerror="alert(1)"> & </p>'


def nasty(text):
    """The text with markup at its end, in both languages."""
    return {language: f"{words} {NASTY}" for language, words in text.items()}


def spoil(entry):
    return {key: nasty(value) if key in ("text", "feedback", "missed") else value for key, value in entry.items()}


@pytest.mark.parametrize("kind", OF_KIND)
def test_texts_are_text_and_no_markup(kind):
    question = quiz.find(OF_KIND[kind])
    question = replace(
        question,
        prompt=nasty(question.prompt),
        explanation=nasty(question.explanation),
        otherwise=nasty(question.otherwise) if question.otherwise else None,
        answers=[spoil(entry) for entry in question.answers],
        items=[spoil(item) for item in question.items],
    )
    events.note("guess", question.id, WRONG[kind])
    new, fresh = Asked(question), Asked(question, later=True)
    asked = [new, fresh, *(Asked(question) for _ in range(3))]
    fresh.take(WRONG[kind])
    for one, answer in zip(asked[2:], (WRONG[kind], WRONG[kind], right_answer(question)), strict=True):
        one.take(answer)
    if kind == "text":
        asked.append(Asked(question))
        asked[-1].later = True
        asked[-1].take(NASTY)
    for one in asked:
        page = bundle(one)["text/html"]
        for text in (*pages(one.box), page):
            assert "<img" not in text
            assert "& <" not in text
        assert all(NASTY in unescape(text) for text in (one.prompt.value, page))
    assert NASTY in bundle(new)["text/plain"]


# What cannot be kept


@pytest.mark.parametrize("later", [False, True])
def test_an_answer_that_cannot_be_kept_is_marked_and_that_is_said(tmp_path, monkeypatch, later):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress"))
    asked = ask("01-1", answer="c", later=later)
    assert (asked.result is None) == later
    assert later or asked.result.correct
    paragraphs = [unescape(text) for text in re.findall("<p>(.*?)</p>", asked.status.value, re.DOTALL)]
    assert paragraphs[0].startswith("Noted: c." if later else "<b>Correct.</b>")
    assert [text.startswith("This was not kept: ") for text in paragraphs].count(True) == 1
    assert "\n" not in paragraphs[-1]
    asked.switch.click()
    assert "기록하지 못했습니다: " in asked.status.value


def test_a_progress_file_that_cannot_be_read_stops_no_question(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))
    assert status(ask("01-1")) == ""


# What was done before, and later kernels


@pytest.mark.parametrize("kind", OF_KIND)
def test_a_question_that_was_right_says_so_with_its_date(kind, monkeypatch):
    question, then = quiz.find(OF_KIND[kind]), time.mktime((2026, 11, 29, 12, 0, 0, 0, 0, -1))
    with monkeypatch.context() as past:
        past.setattr(time, "time", lambda: then)
        events.note("answer", question.id, "x", 0, question.points)
    assert status(ask(question.id)) == ""  # it was not right
    with monkeypatch.context() as past:
        past.setattr(time, "time", lambda: then + 1)
        events.note("answer", question.id, "x", question.points, question.points)
    asked = ask(question.id)
    assert status(asked) == "Right on 29 Nov 2026."
    assert "Right on 29 Nov 2026." in bundle(asked)["text/plain"]
    asked.switch.click()
    assert status(asked) == "2026년 11월 29일에 맞혔습니다."
    asked.control.write(WRONG[kind])
    assert status(asked) == ""
    asked.button.click()
    assert status(asked).startswith("아직 정답이 아닙니다.")
    assert status(ask(question.id)) == "2026년 11월 29일에 맞혔습니다."  # a later miss takes nothing away
    assert status(ask(question.id, later=True)) == ""


def test_misses_are_those_of_earlier_kernels_too():
    """As after a restart: nothing is remembered but what is kept."""
    events.note("answer", "01-1", "a", 0, 2)
    assert WHY in ask("01-1", answer="a").status.value
    events.note("answer", "01-1", "c", 2, 2)
    assert WHY not in ask("01-1", answer="a").status.value


def test_the_explanation_comes_although_nothing_can_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress"))
    ask("01-1", answer="a")
    again = ask("01-1", answer="a")
    assert WHY in again.status.value
    assert "Not kept either." in status(again)
    assert "This was not kept" not in status(again)


def test_the_language_that_was_chosen_holds_for_later_kernels(monkeypatch, learner):
    monkeypatch.delenv("COURSE_LANG")
    assert ask("01-1").language == "en"
    ask("01-1").switch.click()
    monkeypatch.delenv("COURSE_LANG")  # a new kernel knows nothing of it
    assert ask("02-1").language == "ko"
    monkeypatch.setenv("COURSE_LANG", "en")  # unless it is told
    assert ask("02-1").language == "en"
    monkeypatch.setenv("COURSE_LANG", "ko")
    ask("02-1").switch.click()
    monkeypatch.delenv("COURSE_LANG")
    assert ask("01-1").language == "en"
    monkeypatch.setenv("COURSE_PROGRESS", str(learner.with_name("another")))
    assert ask("01-1").language == "en"


@pytest.mark.parametrize("content", ["", "de", "ko\n", b"\xff\xfe"])
def test_what_stands_in_the_file_of_the_language_stops_nobody(content, monkeypatch, learner):
    monkeypatch.delenv("COURSE_LANG")
    data = content if isinstance(content, bytes) else content.encode()
    learner.with_name("progress.language").write_bytes(data)
    assert ask("01-1").language == ("ko" if data == b"ko\n" else "en")


def test_a_language_that_cannot_be_kept_is_spoken_and_that_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress"))
    asked = ask("01-1")
    asked.switch.click()
    assert asked.prompt.value.count(asked.question.prompt["ko"])
    assert status(asked).startswith("기록하지 못했습니다: ")


def test_the_page_says_what_to_do_where_no_kernel_answers():
    for later in (False, True):
        assert "To answer here, run this cell." in bundle(ask("01-1", later=later))["text/html"]


def test_a_line_for_a_dead_widget_comes_beside_each_question_and_table(monkeypatch):
    """One output is the question; the other holds the line, which plain CSS keeps out of sight while it lives."""
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data))
    for shown in (ask("01-1"), my_progress()):
        outputs.clear()
        shown._ipython_display_()
        assert [*outputs[0]] == [*bundle(shown)]
        assert [*outputs[1]] == ["text/html"]
        assert "Run this cell again." in outputs[1]["text/html"]
        assert "display: none" in outputs[1]["text/html"]


# The table


def test_my_progress_shows_the_overview_and_looks_again():
    table, button = my_progress().box.children
    before = table.value
    assert overview([])._repr_html_() in before
    ask("02-1", answer=right_answer(quiz.find("02-1")))
    assert table.value == before
    button.click()
    assert table.value != before
    assert overview()._repr_html_() in table.value


def test_the_table_has_a_page_and_a_text_too():
    events.note("answer", "02-1", "x", 2, 2)
    board = my_progress()
    found = bundle(board)
    assert found["application/vnd.jupyter.widget-view+json"]["model_id"] == board.box.model_id
    assert found["text/plain"] == str(overview())
    assert overview()._repr_html_() in found["text/html"]


def test_my_progress_says_what_is_wrong_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))
    found = bundle(my_progress())
    assert re.fullmatch(r"what you did cannot be kept in [^\n]+", found["text/plain"])
    assert escape(found["text/plain"]) in found["text/html"]
