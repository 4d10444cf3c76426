"""Mark an answer to a question, and say why: pure functions, which neither draw nor remember."""

import itertools
from dataclasses import dataclass

from course.teaching.quiz.letters import letters_in
from course.teaching.quiz.numbers import endless, number, plain_unit
from course.teaching.quiz.quantities import asked, repeated
from course.teaching.quiz.typed import Unreadable, named, plain, stemmed, typed


@dataclass(frozen=True)
class Marked:
    """What came of an answer: whether it is right, its points, what to say about it, and about what is missing in it,
    tuples of {en, ko}."""

    correct: bool
    points: int
    feedback: tuple
    missed: tuple = ()


def mark(question, answer):
    """Mark an answer: letters for choice, several and order ("b", "ad", "dcab"), a number or its text, or words.

    Returns Marked. Raises Unreadable where the answer is none, such as "z" or "" - that is not a wrong answer.
    """
    return MARKS[question.kind](question, answer)


def _marked(question, answer):
    """The result where this entry of the file fits; None stands for none of them."""
    if answer is None:
        return Marked(False, 0, (question.otherwise,))
    return Marked(answer["correct"], question.points * answer["correct"], (answer["feedback"],))


def letters_of(question, answer):
    """The letters of an answer in the order they were typed, from "a, d", "a and d", "AD" or ["a", "d"]."""
    typed = "".join(map(str, answer)) if isinstance(answer, list | tuple | set) else str(answer)
    found = letters_in(typed)
    odd = [c for c in found if c not in question.letters]
    if odd or not found:
        raise Unreadable("letters", letters=", ".join(question.letters))
    return found


def _choice(question, answer):
    letters = letters_of(question, answer)
    if len(letters) > 1:
        raise Unreadable("one-letter")
    return _marked(question, question.answers[question.letters.index(letters[0])])


def _several(question, answer):
    letters = letters_of(question, answer)
    said = [_lettered(option, "feedback") for option in question.answers if option["id"] in letters]
    open_ = [option for option in question.answers if option["correct"] and option["id"] not in letters]
    right = {option["id"] for option in question.answers if option["correct"]} == {*letters}
    return Marked(right, question.points * right, tuple(said), tuple(_lettered(option, "missed") for option in open_))


def _lettered(option, key):
    """A text of an option with its letter before it, for there are several."""
    return {language: f"{option['id']}) {text}" for language, text in option[key].items()}


def _order(question, answer):
    letters = letters_of(question, answer)
    if sorted(letters) != sorted(question.letters):
        raise Unreadable("each-once", letters=", ".join(question.letters))
    return _marked(question, next((entry for entry in question.answers if entry["order"] == letters), None))


def _number(question, answer):
    wanted = asked(question)
    value, rest = number(answer, wanted)
    unit_of = question.unit or {}
    units = {plain_unit(form) for form in unit_of.get("forms", typed()["counters"])}
    ends = itertools.chain(endless(rest), endless(repeated(question, rest, wanted)))
    unit = next((end for end in ends if end in units or end in ("", "%")), None)
    if unit is None:
        raise Unreadable(unit_of["feedback"]) if unit_of else Unreadable("no-unit")
    value = value / 100 if unit == "%" and "%" not in units else value
    near = (entry for entry in question.answers if abs(value - entry["value"]) <= entry["tolerance"] * (1 + 1e-9))
    return _marked(question, next(near, None))


def _text(question, answer):
    if not plain(str(answer)):
        raise Unreadable("no-words")
    forms = {}
    for k, entry in enumerate(question.answers, 1):
        for form in itertools.chain(*entry["forms"].values()):
            for said in (form, plain(form)):  # also typed in one word, where one ends and the next begins is a guess
                forms.setdefault(stemmed(said), k)
    found = named(str(answer), forms)
    return _marked(question, question.answers[found - 1] if found else None)


MARKS = {"choice": _choice, "several": _several, "order": _order, "number": _number, "text": _text}


def right_answer(question, lang="en"):
    """The right answer as one would type it: "b", "ad", "10.05", "forward process"."""
    return "".join(as_typed(question, entry, lang) for entry in question.answers if entry["correct"])


def as_typed(question, entry, lang="en"):
    """One of its answers as one would type it."""
    if question.kind in ("choice", "several"):
        return entry["id"]
    if question.kind == "order":
        return "".join(entry["order"])
    return f"{entry['value']:.12g}" if question.kind == "number" else entry["forms"][lang][0]
