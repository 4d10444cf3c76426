"""Exercises that mark themselves: `check` compares a learner's function with the truth, `solution` shows ours, and
`use` takes whichever of the two is right.

Their words stand in the quiz files, which name them; their code in `course.teaching.lessons`, which needs torch.
"""

import importlib
import inspect
from html import escape

from course.env import torch_as_usual
from course.teaching import events, quiz
from course.teaching.exercises.feedback import POINTS
from course.teaching.language import date, say

__all__ = ["POINTS", "Solution", "check", "find", "ids", "solution", "use"]


def ids(lesson=None):
    """The ids of all exercises, or of one lesson's, as its quiz file has them: ["02-alpha_bar", ...]."""
    return [id for number in quiz.lessons() if lesson in (None, number) for id in quiz.exercises(number)]


def find(id):
    """The Exercise of an id such as "02-q_sample". Raises LookupError, naming those that the lesson has."""
    lesson = str(id).partition("-")[0]
    if id not in ids():
        raise LookupError(f"there is no exercise {id!r}; there are {', '.join(ids(lesson) or ids())}")
    module = importlib.import_module(f"course.teaching.lessons.l{lesson}")
    return next(exercise for exercise in module.EXERCISES if exercise.id == id)


def check(id, fn, seed=None):
    """Test a learner's function on random inputs, and say what is right, or which mistake it makes.

    Returns a Result, which a notebook shows as a card: status "correct", "not yet", "not attempted" or "error",
    points, feedback. The first time there is a hint, the second time a stronger one. What is attempted is kept for
    `python -m course progress`. The same `seed` tests on the same inputs. Raises LookupError for an unknown id.
    """
    from course.teaching.exercises.checking import examine

    exercise, before = find(id), events.history(id)
    with torch_as_usual():  # what a lesson has told torch is no part of the exercise
        result = examine(exercise, fn, seed, tries=events.misses(before))
    if result.status != "correct" and (at := events.right_at(before)):
        result = result.also(say("question.was-right", date=date(at)))
    if result.status == "not attempted":
        return result
    if lost := events.keep("exercise", id, result.status, result.points, result.out_of):
        key, values = lost
        return result.also(say(key, **values))
    return result


def use(id, fn):
    """A learner's function where it is right, else the course's, which takes the same arguments; says which it is.

    It is checked once more, on inputs of its own; nothing is kept and no try counted. Raises LookupError for an unknown
    id.
    """
    from course.teaching.exercises.checking import examine

    exercise = find(id)
    with torch_as_usual():
        right = examine(exercise, fn, None).status == "correct"
    print(say("exercise.yours" if right else "exercise.ours", name=getattr(fn, "__name__", id)))
    return fn if right else exercise.truth


def solution(id):
    """The package's own source of what an exercise asks for, to look at when the hints are used up."""
    return Solution("\n\n".join(inspect.getsource(part) for part in find(id).ours))


class Solution(str):
    """Source code that a notebook shows as it stands."""

    def _repr_html_(self):
        return f"<pre><code>{escape(self)}</code></pre>"

    def __repr__(self):
        return str(self)
