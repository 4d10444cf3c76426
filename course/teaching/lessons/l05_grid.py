"""The exercise 05-grid, the times that a sampler visits: its truth, its inputs, its known mistakes."""

import torch

from course.schedules import Schedule, linear
from course.teaching.exercises.spec import Case, Exercise, Mistake


def _cases(generator):
    """No time lies half between two whole ones, where either answer is right: n is 1, T or a prime."""

    def some(*values):
        return values[torch.randint(0, len(values), (1,), generator=generator)]

    n = some(7, 11, 13)
    yield Case("few steps, n does not divide T", (n * some(4, 5, 6) + some(2, 3, 4), n))
    yield Case("many steps, n does not divide T", (some(1000, 1001, 1002), some(331, 337, 347)))
    yield Case("a step for every time, n = T", (T := some(12, 20, 31), T))
    yield Case("a single step, n = 1", (some(50, 100, 1000), 1))
    yield Case("more steps than times, n > T", (some(8, 10, 12), some(20, 30, 40)))


def _spread(first, final, less=0, whole=torch.round):
    """A grid by linspace, with its ends, its number of times and its rounding to choose."""
    return lambda T, n: whole(torch.linspace(first(T), final(T), n + 1 - less)).long()


def _guarded(fn):
    """The same, with the ValueError for n > T."""

    def guarded(T, n):
        if n > T:
            raise ValueError(f"{n} steps do not fit into {T}")
        return fn(T, n)

    return guarded


_MADE = (
    (
        "You walk in steps of T // n, which is cut to a whole number, so the grid stops before 0.",
        "Print the last entry.",
        "Spread n + 1 numbers evenly from T to 0, and round them afterwards.",
        lambda T, n: torch.arange(T, -1, -(T // n))[: n + 1],
    ),
    (
        "You begin at T - 1, so T is never visited: sampling starts from x_T.",
        "Print the first entry.",
        "The table has T + 1 entries, so T itself is a time: begin there.",
        _spread(lambda T: T - 1, lambda T: 0),
    ),
    (
        "You end at 1, so the last noise stays in the picture.",
        "Print the last entry.",
        "The last time is 0, the clean picture.",
        _spread(lambda T: T, lambda T: 1),
    ),
    (
        "You give n times, which make n - 1 steps.",
        "How many pairs of neighbours are there in your grid?",
        "n steps need n + 1 times.",
        _spread(lambda T: T, lambda T: 0, less=1),
    ),
    (
        "Your times rise, but sampling walks down.",
        "Which time does the walk begin with?",
        "Exchange the two ends, so that T comes first and 0 last.",
        _spread(lambda T: 0, lambda T: T),
    ),
    (
        "You cut to whole numbers instead of rounding.",
        "What does your grid make of 966.67?",
        "Round first; .long() alone cuts.",
        _spread(lambda T: T, lambda T: 0, whole=torch.trunc),
    ),
)
UNGUARDED = "Also, you raise no ValueError for n > T."
MISTAKES = (
    *(Mistake(says, hint, stronger, _guarded(fn)) for says, hint, stronger, fn in _MADE),
    *(Mistake(f"{says} {UNGUARDED}", hint, stronger, fn) for says, hint, stronger, fn in _MADE),
    Mistake(
        "You give a grid for n > T too, in which times come twice.",
        "What would a step from a time to itself divide by?",
        "Raise a ValueError where n is larger than T.",
        _spread(lambda T: T, lambda T: 0),
    ),
)


def _draw(case, yours, truth):
    from course import viz

    T, n = case.args
    title = f"The times of the grid, T = {T}, n = {n}"
    lines, asked = {"yours": yours[0]}, {"asked for": truth[0]}
    return viz.curves(range(n + 1), lines, asked, title=title, x_label="steps taken", y_label="t", legend=True)


GRID = Exercise(
    "05-grid",
    truth=lambda T, n: linear(T).grid(n),
    cases=_cases,
    mistakes=MISTAKES,
    ours=(Schedule.grid,),
    picture=_draw,
)
