"""What the course itself says to a learner, in both languages; quizzes/words.yaml holds it. No torch is needed."""

import os
from functools import cache

import yaml

from course import env

LANGUAGES = ("en", "ko")


def language():
    """The language that COURSE_LANG asks for, else "en". Raises ValueError for one that the course does not have."""
    chosen = os.environ.get("COURSE_LANG") or "en"
    if chosen not in LANGUAGES:
        raise ValueError(f"COURSE_LANG is {chosen!r}; the course speaks {' and '.join(LANGUAGES)}")
    return chosen


def spoken(text, lang=None):
    """A text {"en": ..., "ko": ...} in a language, that of `language()` by default; where it lacks that, in English."""
    return text.get(lang or language()) or text["en"]


def say(key, lang=None, **values):
    """The words of a key such as "question.noted", their {names} filled in; the language is `language()` by default.

    Raises KeyError for a key that the file does not have, and for a name that is not given.
    """
    room, _, name = key.partition(".")
    return spoken(_words()[room][name], lang).format(**values)


def in_all(key, **values):
    """The same in every language, {"en": ..., "ko": ...}."""
    return {lang: say(key, lang, **values) for lang in LANGUAGES}


@cache
def _words():
    return read(env.shipped("quizzes/words.yaml"))


def read(path):
    """What stands in a file of words or of questions."""
    return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
