"""The exercise of lesson 00, which shows what a check is, as code; its words stand in the quiz file of the lesson."""

import torch

from course.data import load
from course.teaching.exercises.spec import Case, Exercise


def _cases(generator):
    x, _ = load("digits", "all")
    yield Case("digits", (x[torch.randperm(len(x), generator=generator)[:6]],))
    for slug, shape in (
        ("colour", (2, 3, 5, 4)),
        ("square", (4, 1, 4, 4)),
    ):
        yield Case(slug, (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1,))


def _picture(case, yours, truth):
    from course.viz import pictures

    rows = [case.args[0], yours[0].float(), truth[0]]
    return pictures(rows, labels=["x", "yours", "right"])


def negative(x):
    """The photographic negative of pictures in [-1, 1]: grey is 0, so black and white change places by the sign."""
    return -x


EXERCISES = (
    Exercise(
        "00-negative",
        truth=negative,
        cases=_cases,
        mistakes={
            "from-one": lambda x: 1 - x,
            "from-255": lambda x: 255 - x,
            "zero-to-one": lambda x: (1 - x) / 2,
            "absolute": lambda x: x.abs(),
            "unchanged": lambda x: x,
        },
        ours=(negative,),
        picture=_picture,
    ),
)
