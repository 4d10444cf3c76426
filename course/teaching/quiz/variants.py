"""Every student's own numbers in questions that vary, from a secret of the class and a name. No torch is needed."""

import hashlib
import os
import random
import unicodedata

from course.files import write_whole
from course.teaching.place import beside
from course.teaching.quiz.filling import drawer, with_numbers
from course.teaching.quiz.questions import Question, entry


def draw_seed(secret, name, id):
    """The seed of a student's numbers in a question, for ever; case and spaces of the name do not count."""
    plain = " ".join(unicodedata.normalize("NFC", name).casefold().split())
    return int.from_bytes(hashlib.sha256("\0".join((secret, plain, id)).encode()).digest(), "big")


def varied(question, secret, name):
    """A student's own variant of a Question of the course; one that does not vary comes back as it is."""
    if not question.vary:
        return question
    numbers, values = drawer(question.id)(random.Random(draw_seed(secret, name, question.id)))
    return Question(**with_numbers(entry(question.id), numbers, values), own=True)


def own(question):
    """A Question as the learner here gets it: varied where a variant is chosen. Raises ValueError as `mine`."""
    found = mine()
    return varied(question, *found) if found else question


def mine():
    """The (secret, name) of COURSE_VARIANT, "secret/name", else what was chosen here; None where nothing was.

    Raises ValueError for a text without one of the two.
    """
    asked = os.environ.get("COURSE_VARIANT") or _chosen()
    return _checked(*asked.partition("/")[::2]) if asked else None


def _chosen():
    """What `choose` has written, "" where that is nothing."""
    try:
        return beside("variant").read_text(encoding="utf-8")
    except OSError:
        return ""


def _checked(secret, name):
    name = " ".join(name.split())
    if not secret.strip() or "/" in secret or not name:
        raise ValueError(f"a variant is SECRET/NAME, without a slash in the secret, not {f'{secret}/{name}'!r}")
    return secret, name


def choose(secret, name):
    """Ask this student's own numbers from now on, where COURSE_VARIANT does not ask for others.

    Returns (secret, name). Raises ValueError where one is empty or the secret has a slash, and OSError where they
    cannot be kept.
    """
    secret, name = _checked(secret, name)
    path = beside("variant")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f"{secret}/{name}")
    return secret, name


def forget():
    """Ask the standard numbers again. Raises OSError."""
    beside("variant").unlink(missing_ok=True)
