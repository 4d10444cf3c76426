"""Questions are data: read them, find one. Nothing here needs torch."""

import re
from dataclasses import dataclass
from functools import cache

from course import env
from course.teaching.language import read
from course.teaching.quiz.filling import standard

POINTS = {"recall": 1, "reason": 2, "compute": 2}


@dataclass(frozen=True)
class Question:
    """One question as its file has it; every text is {"en": ..., "ko": ...}. quizzes/README.md says more."""

    id: str
    kind: str  # choice, several, text, number, order
    depth: str  # recall, reason, compute
    points: int
    prompt: dict
    answers: list
    explanation: dict
    otherwise: dict | None = None  # said where no answer fits
    items: tuple = ()  # of an order
    unit: dict | None = None  # of a number
    further: bool = False  # for those who want to know: it does not count for "done"
    vary: bool = False  # every student may have other numbers in it
    own: bool = False  # these are the numbers of one student, not the standard ones

    @property
    def letters(self):
        """The letters that an answer is made of; none for text and number."""
        return [option["id"] for option in self.options]

    @property
    def options(self):
        """What is shown to choose from, or to put in order: dicts with id and text."""
        return {"order": self.items, "choice": self.answers, "several": self.answers}.get(self.kind, ())


def _path(lesson):
    """The file of a lesson such as "02". Raises LookupError."""
    found = sorted(env.shipped("quizzes").glob(f"{lesson}_*.yaml")) if re.fullmatch(r"\d\d", lesson) else []
    if not found:
        raise LookupError(f"lesson {lesson!r} has no questions; there are {', '.join(lessons())}")
    return found[0]


@cache
def _file(lesson):
    """What stands in the file of a lesson. Raises LookupError."""
    return read(_path(lesson))


@cache
def load(lesson):
    """The questions of a lesson such as "02", {id: Question}, in the order of the file, with their standard numbers.

    Raises LookupError.
    """
    return {entry["id"]: Question(**standard(entry)) for entry in _file(lesson)["questions"]}


def entry(id):
    """A question as its file has it, with {names} for what varies. Raises LookupError."""
    return next(found for found in _file(find(id).id.partition("-")[0])["questions"] if found["id"] == id)


def title(lesson):
    """What a lesson is called, {"en": ..., "ko": ...}; by the stem of its file where that says nothing. Raises
    LookupError."""
    stem = _path(lesson).stem[3:].replace("_", " ")
    return _file(lesson).get("title", {"en": stem, "ko": stem})


def exercises(lesson):
    """A lesson's exercises in words, {id: {"cases": {slug: text}, "mistakes": {slug: {"says", "hint", "more"}}}}.

    They come in the order of the file. A text is {"en": ..., "ko": ...}, "ko" as far as it is written; one that stands
    under "picture" says what the picture shows. "further": True does not count for "done". Raises LookupError.
    """
    return _file(lesson).get("exercises", {})


def lessons():
    """The lessons that have questions: ["00", "01", ...]."""
    return sorted(path.name[:2] for path in env.shipped("quizzes").glob("[0-9][0-9]_*.yaml"))


def find(id):
    """The Question of an id such as "02-3". Raises LookupError, naming those that the lesson has."""
    questions = load(str(id).partition("-")[0])
    if id not in questions:
        raise LookupError(f"there is no question {id!r}; the lesson has {', '.join(questions)}")
    return questions[id]
