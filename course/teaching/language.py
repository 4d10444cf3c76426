"""What the course itself says to a learner, in both languages; quizzes/words.yaml holds it. No torch is needed."""

import os
import time
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import yaml

from course import env
from course.files import write_whole
from course.teaching.place import beside

LANGUAGES = ("en", "ko")


_speaking = ContextVar("speaking", default=None)


@contextmanager
def speaking(lang):
    """In its block the course speaks this language; other threads go on in theirs."""
    before = _speaking.set(lang)
    try:
        yield
    finally:
        _speaking.reset(before)


def language():
    """The language of the block of `speaking`, that of COURSE_LANG, the one that was chosen last, or "en".

    Raises ValueError for one that the course does not have.
    """
    if spoken_here := _speaking.get():
        return spoken_here
    asked = os.environ.get("COURSE_LANG") or _chosen()
    chosen = asked.lower().replace("-", "_").partition("_")[0]  # KO and ko_KR.UTF-8 are Korean, too
    if chosen not in LANGUAGES:
        raise ValueError(f"COURSE_LANG is {asked!r}; the course speaks {' and '.join(LANGUAGES)}")
    return chosen


def _chosen():
    """What `choose` has written, "en" where that is nothing that the course speaks."""
    try:
        chosen = beside("language").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return "en"
    return chosen if chosen in LANGUAGES else "en"


def choose(chosen):
    """Speak a language from now on, in this kernel and in later ones, where COURSE_LANG does not ask for another.

    Raises OSError where later kernels will not know; this one does.
    """
    os.environ["COURSE_LANG"] = chosen
    path = beside("language")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, chosen)


def spoken(text, lang=None):
    """A text {"en": ..., "ko": ...} in a language, that of `language()` by default; where it lacks that, in English."""
    return text.get(lang or language()) or text["en"]


def say(key, lang=None, **values):
    """The words of a key such as "question.noted", their {names} filled in; the language is `language()` by default.

    Raises KeyError for a key that the file does not have, and for a name that is not given.
    """
    room, _, name = key.partition(".")
    return spoken(_words()[room][name], lang).format(**values)


def date(seconds, lang=None):
    """The day of a moment in seconds since 1970, here: "29 Nov 2026"."""
    then = time.localtime(seconds)
    month = say("progress.months", lang).split()[then.tm_mon - 1]
    return say("progress.date", lang, day=then.tm_mday, month=month, year=then.tm_year)


def in_all(key, **values):
    """The same in every language, {"en": ..., "ko": ...}."""
    return {lang: say(key, lang, **values) for lang in LANGUAGES}


@cache
def _words():
    return read(env.shipped("quizzes/words.yaml"))


def read(path):
    """What stands in a file of words or of questions."""
    return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
