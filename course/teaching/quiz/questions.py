"""Questions are data: read them, find one. Nothing here needs torch."""

import os
import re
from dataclasses import dataclass
from functools import cache

import yaml

from course import env

LANGUAGES = ("en", "ko")
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

    @property
    def letters(self):
        """The letters that an answer is made of; none for text and number."""
        return [option["id"] for option in self.options]

    @property
    def options(self):
        """What is shown to choose from, or to put in order: dicts with id and text."""
        return {"order": self.items, "choice": self.answers, "several": self.answers}.get(self.kind, ())


def language():
    """The language that COURSE_LANG asks for, else "en". Raises ValueError for one that the course does not have."""
    chosen = os.environ.get("COURSE_LANG") or "en"
    if chosen not in LANGUAGES:
        raise ValueError(f"COURSE_LANG is {chosen!r}; the course speaks {' and '.join(LANGUAGES)}")
    return chosen


@cache
def _file(lesson):
    """What stands in the file of a lesson such as "02". Raises LookupError."""
    found = sorted(env.shipped("quizzes").glob(f"{lesson}_*.yaml")) if re.fullmatch(r"\d\d", lesson) else []
    if not found:
        raise LookupError(f"lesson {lesson!r} has no questions; there are {', '.join(lessons())}")
    return yaml.load(found[0].read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def load(lesson):
    """The questions of a lesson such as "02", {id: Question}, in the order of the file. Raises LookupError."""
    return {entry["id"]: Question(**entry) for entry in _file(lesson)["questions"]}


def exercises(lesson):
    """A lesson's exercises in words, {id: {"mistakes": {slug: {"says", "hint", "more"}}}}, in the order of the file.

    Each of these is a text {"en": ..., "ko": ...}, "ko" as far as it is written. An entry with "further": True does not
    count for "done". Raises LookupError.
    """
    return _file(lesson).get("exercises", {})


def in_language(text, language):
    """A text in a language; where it is not written in that yet, in English."""
    return text.get(language) or text["en"]


def lessons():
    """The lessons that have questions: ["00", "01", ...]."""
    return sorted(path.name[:2] for path in env.shipped("quizzes").glob("[0-9][0-9]_*.yaml"))


def find(id):
    """The Question of an id such as "02-3". Raises LookupError, naming those that the lesson has."""
    questions = load(str(id).partition("-")[0])
    if id not in questions:
        raise LookupError(f"there is no question {id!r}; the lesson has {', '.join(questions)}")
    return questions[id]
