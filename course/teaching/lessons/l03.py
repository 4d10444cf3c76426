"""The exercises of lesson 03, the reverse process: their truths and the inputs they are tested on."""

import torch

from course.forward import convert, q_posterior
from course.samplers import ddpm, last
from course.schedules import Schedule, linear
from course.teaching.exercises.spec import Case, Exercise, coarse, normal
from course.teaching.lessons.l03_mistakes import DDPM_STEP, Q_POSTERIOR
from course.teaching.lessons.l03_mixture import MIXTURE


def times(generator, rows, T):
    """Pairs t, s (rows,) with 0 <= s < t <= T: at first edges, jumps and one single step, then random ones."""
    t = torch.randint(2, T + 1, (rows,), generator=generator)
    s = (t * torch.rand(rows, generator=generator)).long()
    fixed = torch.tensor([[1, 0], [T, T // 4], [T // 2, T // 2 - 1], [T // 2, 0], [T // 4, 1]])[:rows]
    t[:5], s[:5] = fixed.T
    return t, s


def stepped(walk, alpha_bar, x, t, s, eps, noise, **options):
    """x (B, ...) taken from t (B,) to s (B,) by a sampler, row by row, with `noise` in place of what it draws."""
    schedule = Schedule(alpha_bar)
    rows = zip(x, torch.stack([t, s], 1), eps, noise, strict=True)
    return torch.stack([_landed(walk, schedule, *row, options) for row in rows])


def _landed(walk, schedule, x, pair, eps, noise, options):
    """A step is linear, so we step zeros beside x: what is left of them is the std times what was drawn."""
    both, both_eps = torch.stack([x, 0 * x]), torch.stack([eps, 0 * eps])
    generator, twin = (torch.Generator().manual_seed(0) for _ in range(2))
    moved, left = last(walk(lambda *_: both_eps, schedule, both, pair, generator=generator, **options))
    drawn = torch.randn(both.shape, generator=twin, dtype=x.dtype)
    return moved + left / drawn[1] * (noise - drawn[0])


def _posterior_cases(generator):
    for what, shape, table, dtype in (
        ("pictures, every row its own t and s", (6, 1, 5, 4), coarse(), torch.float64),
        ("as many pictures as they are wide", (4, 3, 4, 4), coarse(), torch.float64),
        ("points, float32", (7, 2), coarse(), torch.float32),
        ("points, on the linear schedule", (5, 2), linear().alpha_bar, torch.float64),
    ):
        x0, x_t = normal(generator, 2, *shape, dtype=dtype)
        yield Case(what, (table, x0, x_t, *times(generator, shape[0], len(table) - 1)))


def _step_cases(generator):
    for what, shape, table, variance, dtype in (
        ("pictures, variance 0", (6, 1, 5, 4), coarse(), 0.0, torch.float64),
        ("as many pictures as they are wide, variance 1", (4, 3, 4, 4), coarse(), 1.0, torch.float64),
        ("points, float32, variance 0.3", (7, 2), coarse(), 0.3, torch.float32),
        ("points, on the linear schedule, variance 1", (5, 2), linear().alpha_bar, 1.0, torch.float64),
    ):
        x_t, eps, noise = normal(generator, 3, *shape, dtype=dtype)
        yield Case(what, (table, x_t, *times(generator, shape[0], len(table) - 1), eps, noise, variance))
    (x_t, eps, noise), t = normal(generator, 3, 8, 4), torch.randint(7, 11, (8,), generator=generator)
    s = torch.where(torch.arange(8) < 4, 1, t - 1)
    yield Case("single steps, and jumps to s = 1, variance 0.5", (coarse(), x_t, t, s, eps, noise, 0.5))
    (x_t, eps, noise), t = normal(generator, 3, 4, 4), torch.tensor([1, 2, 1, 3])
    yield Case("last steps, variance 1", (coarse(), x_t, t, 0 * t, eps, noise, 1.0))


EXERCISES = (
    Exercise(
        "03-q_posterior",
        truth=lambda alpha_bar, x0, x_t, t, s: q_posterior(Schedule(alpha_bar), x0, x_t, t, s),
        cases=_posterior_cases,
        mistakes=Q_POSTERIOR,
        ours=(q_posterior,),
    ),
    MIXTURE,
    Exercise(
        "03-ddpm_step",
        truth=lambda *args: stepped(ddpm, *args[:-1], variance=args[-1]),
        cases=_step_cases,
        mistakes=DDPM_STEP,
        ours=(ddpm, q_posterior, convert),
    ),
)
