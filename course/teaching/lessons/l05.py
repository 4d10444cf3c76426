"""The exercises of lesson 05, DDIM: their truths and the inputs they are tested on."""

import torch

from course.samplers import ddim, invert, last
from course.schedules import Schedule, linear
from course.teaching.exercises.spec import Case, Exercise, coarse, normal
from course.teaching.lessons.l03 import stepped, times
from course.teaching.lessons.l05_grid import GRID
from course.teaching.lessons.l05_mistakes import DDIM_STEP, INVERT_STEP


def _down(alpha_bar, x_t, t, s, eps, noise, eta):
    """DDIM's step of every row; the samplers take none of no length, which leaves x_t as it is."""
    return x_t if torch.equal(t, s) else stepped(ddim, alpha_bar, x_t, t, s, eps, noise, eta=eta)


def _up(alpha_bar, x_s, s, t, eps):
    """A step of inversion of every row."""
    rows = zip(x_s[:, None], torch.stack([t, s], 1), eps[:, None], strict=True)
    return torch.cat([last(invert(lambda *_, e=e: e, Schedule(alpha_bar), x, pair)) for x, pair, e in rows])


def _step_cases(generator):
    for what, shape, table, eta, dtype in (
        ("pictures, eta 0", (6, 1, 5, 4), coarse(), 0.0, torch.float64),
        ("as many pictures as they are wide, eta 0.5", (4, 3, 4, 4), coarse(), 0.5, torch.float64),
        ("points, float32, eta 1", (7, 2), coarse(), 1.0, torch.float32),
        ("points, on the linear schedule, eta 0.3", (5, 2), linear().alpha_bar, 0.3, torch.float64),
    ):
        x_t, eps, noise = normal(generator, 3, *shape, dtype=dtype)
        yield Case(what, (table, x_t, *times(generator, shape[0], len(table) - 1), eps, noise, eta))
    for what, far in (("small jumps, eta 0.5", 2), ("a step of no length, s = t", 1)):
        (x_t, eps, noise), t = normal(generator, 3, 8, 3), torch.randint(6, 11, (8,), generator=generator)
        yield Case(what, (coarse(), x_t, t, t // far, eps, noise, 0.5))


def _up_cases(generator):
    for what, shape, table, dtype in (
        ("pictures, every row its own s and t", (6, 1, 5, 4), coarse(), torch.float64),
        ("as many pictures as they are wide", (4, 3, 4, 4), coarse(), torch.float64),
        ("points, float32", (7, 2), coarse(), torch.float32),
        ("points, on the linear schedule", (5, 2), linear().alpha_bar, torch.float64),
    ):
        x_s, eps = normal(generator, 2, *shape, dtype=dtype)
        t, s = times(generator, shape[0], len(table) - 1)
        yield Case(what, (table, x_s, s, t, eps))


EXERCISES = (
    Exercise("05-ddim_step", truth=_down, cases=_step_cases, mistakes=DDIM_STEP, ours=(ddim,)),
    GRID,
    Exercise("05-invert_step", truth=_up, cases=_up_cases, mistakes=INVERT_STEP, ours=(invert,)),
)
