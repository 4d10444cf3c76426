"""The exercise of lesson 00, which shows what a check is: its truth, its inputs, and the mistakes that are known."""

import torch

from course.data import load
from course.teaching.exercises.spec import Case, Exercise, Mistake


def _cases(generator):
    x, _ = load("digits", "all")
    yield Case("digits, float32", (x[torch.randperm(len(x), generator=generator)[:6]],))
    for what, shape in (
        ("pictures in colour, float64", (2, 3, 5, 4)),
        ("as many pictures as they are wide", (4, 1, 4, 4)),
    ):
        yield Case(what, (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1,))


def _picture(case, yours, truth):
    from course.viz import pictures

    rows = [case.args[0], yours[0].float(), truth[0]]
    return pictures(rows, labels=["x", "yours", "right"], title="A picture, what you made of it, and its negative")


def negative(x):
    """The photographic negative of pictures in [-1, 1]: grey is 0, so black and white change places by the sign."""
    return -x


EXERCISES = (
    Exercise(
        "00-negative",
        truth=negative,
        cases=_cases,
        mistakes=(
            Mistake(
                "You subtract the pictures from 1, which is the negative for pictures in [0, 1].",
                "Ours lie in [-1, 1]: what should black, -1, become?",
                "-1 should become 1, 1 should become -1, and 0 should stay: one sign does it.",
                lambda x: 1 - x,
            ),
            Mistake(
                "You subtract the pictures from 255, which is the negative for bytes.",
                "Ours lie in [-1, 1]: what should black, -1, become?",
                "-1 should become 1, 1 should become -1, and 0 should stay: one sign does it.",
                lambda x: 255 - x,
            ),
            Mistake(
                "You answer with the negative in [0, 1].",
                "The answer is to lie in [-1, 1] like x; where should grey, 0, stay?",
                "Either map the answer back by 2 * y - 1, or never leave [-1, 1]: one sign does it.",
                lambda x: (1 - x) / 2,
            ),
            Mistake(
                "You take the absolute value, so black and white became the same.",
                "A negative keeps all differences: from two pixels that differ come two that differ.",
                "Dark pixels should become bright and bright ones dark: turn the sign of every pixel.",
                lambda x: x.abs(),
            ),
            Mistake(
                "You give the pictures back as they came.",
                "In a negative, black becomes white.",
                "Black is -1 and white is 1: turn the sign of every pixel.",
                lambda x: x,
            ),
        ),
        ours=(negative,),
        picture=_picture,
    ),
)
