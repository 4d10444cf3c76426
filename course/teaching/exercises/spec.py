"""What an exercise is made of, and the inputs that most of them share."""

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Case:
    """One call: the arguments, and a slug, for which the quiz file says what it tests."""

    slug: str
    args: tuple


@dataclass(frozen=True)
class Exercise:
    """What a learner writes: the truth, the calls that tell right from wrong, and the mistakes that are known, as code.

    `cases(generator)` yields the calls, random but always of the same kinds; `ours` are the functions of the package
    that `solution` shows; `picture(case, yours, truth)` may draw the first call as a Figure, from tuples of tensors.
    Where the arguments are stand-ins for libraries, `replayed(steps, returned)` is a function of such arguments that
    does with them what a learner's function did elsewhere, where they were only noted (course.teaching.grading.wire).
    """

    id: str
    truth: Callable
    cases: Callable
    mistakes: dict  # slug -> function: the words for the slug stand in the quiz file
    ours: tuple
    picture: Callable | None = None
    replayed: Callable | None = None


def coarse():
    """A table alpha_bar (21,) of large steps, on which a slip by one step shows: betas from 0.02 to 0.5."""
    beta = torch.linspace(0.02, 0.5, 20, dtype=torch.float64)
    return torch.cat([beta.new_ones(1), torch.cumprod(1 - beta, 0)])


def column(a, x):
    """a (B,) with as many dimensions as x (B, ...) has."""
    return a.reshape(-1, *[1] * (x.ndim - 1))


def as_given(a, x):
    """a (B,) as it comes out of a table: what somebody writes who forgets `column`."""
    return a


def normal(generator, *shape, dtype=torch.float64):
    """Normal numbers of any shape: the same for one seed in both precisions, up to rounding."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
