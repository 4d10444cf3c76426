"""The exercises of lesson 05, DDIM, as code; their words stand in the quiz file of the lesson."""

import torch

from course.samplers import ddim, invert, last
from course.samplers.walk import weight
from course.schedules import Schedule, linear
from course.teaching.exercises.spec import Case, Exercise, as_given, coarse, column, normal
from course.teaching.exercises.steps import by_pair, stepped, times


def _both(table, t, s):
    return table[t], table[s]


def _early(table, t, s):
    return table[t - 1], table[s - 1]


def _clean(x, a, eps):
    return (x - (1 - a).sqrt() * eps) / a.sqrt()


def _undivided(x, a, eps):
    return x - (1 - a).sqrt() * eps


def _tilde(A, B):
    return (1 - B) / (1 - A) * (1 - A / B)


def _left(A, B, var):
    return (1 - B - var).sqrt()


def _ddim(x0=_clean, signal=lambda A, B, var: B.sqrt(), noise_left=_left, fresh=1, read=_both, shape=column,
          std=lambda A, B, eta: eta * _tilde(A, B).sqrt()):  # fmt: skip
    def fn(alpha_bar, x_t, t, s, eps, noise, eta):
        A, B = (shape(a, x_t) for a in read(alpha_bar, t, s))
        spread = std(A, B, eta)
        kept = signal(A, B, spread**2) * x0(x_t, A, eps)
        return kept + noise_left(A, B, spread**2) * eps + fresh * spread * noise

    return fn


def _eta_unsquared(alpha_bar, x_t, t, s, eps, noise, eta):
    A, B = (column(a, x_t) for a in _both(alpha_bar, t, s))
    kept = B.sqrt() * _clean(x_t, A, eps) + (1 - B - eta * _tilde(A, B)).sqrt() * eps
    return kept + eta * _tilde(A, B).sqrt() * noise


def _clipped(x, a, eps):
    return _clean(x, a, eps).clamp(-1, 1)


def _clipped_anew(alpha_bar, x_t, t, s, eps, noise, eta):
    """The noise is made anew from the clipped picture, as clip_x0 does on the whole model: the task has no limit."""
    A = column(alpha_bar[t], x_t)
    return _ddim()(alpha_bar, x_t, t, s, (x_t - A.sqrt() * _clipped(x_t, A, eps)) / (1 - A).sqrt(), noise, eta)


DDIM_STEP = {
    "undivided": _ddim(_undivided),
    "old-level": _ddim(noise_left=lambda A, B, var: (1 - A - var).sqrt()),
    "no-roots": _ddim(signal=lambda A, B, var: B, noise_left=lambda A, B, var: 1 - B - var),
    "exchanged": _ddim(signal=_left, noise_left=lambda A, B, var: B.sqrt()),
    "one-step": _ddim(read=lambda table, t, s: (table[t], table[t - 1])),
    "never-clean": _ddim(read=lambda table, t, s: (table[t], table[s.clamp(min=1)])),
    "clipped": _ddim(_clipped),
    "clipped-anew": _clipped_anew,
    "std-unsquared": _ddim(noise_left=lambda A, B, var: (1 - B - var.sqrt()).sqrt()),
    "eps-whole": _ddim(noise_left=lambda A, B, var: (1 - B).sqrt()),
    "no-noise": _ddim(fresh=0),
    "eta-under-root": _ddim(std=lambda A, B, eta: (eta * _tilde(A, B)).sqrt()),
    "eta-unsquared": _eta_unsquared,
    "std-squared": _ddim(std=lambda A, B, eta: eta * _tilde(A, B)),
    "beta": _ddim(std=lambda A, B, eta: eta * (1 - A / B).sqrt()),
    "early": _ddim(read=_early),
    "last-axis": _ddim(shape=as_given),
}


def _inverted(x0=_clean, weights=lambda A, B: (A.sqrt(), (1 - A).sqrt()), read=_both, shape=column):
    def fn(alpha_bar, x_s, s, t, eps):
        A, B = (shape(a, x_s) for a in read(alpha_bar, t, s))
        signal, noise = weights(A, B)
        return signal * x0(x_s, B, eps) + noise * eps

    return fn


INVERT_STEP = {
    "forward-step": _inverted(lambda x, B, eps: x, lambda A, B: ((A / B).sqrt(), (1 - A / B).sqrt())),
    "times-exchanged": _inverted(read=lambda table, t, s: (table[s], table[t])),
    "taken-as-clean": _inverted(lambda x, B, eps: x),
    "noise-removed": _inverted(weights=lambda A, B: (A.sqrt(), -(1 - A).sqrt())),
    "old-level": _inverted(weights=lambda A, B: (A.sqrt(), (1 - B).sqrt())),
    "undivided": _inverted(_undivided),
    "target-early": _inverted(read=lambda table, t, s: (table[t - 1], table[s])),
    "early": _inverted(read=_early),
    "last-axis": _inverted(shape=as_given),
}


def _grid_cases(generator):
    """No time lies half between two whole ones, where either answer is right: n is 1, T or a prime."""

    def some(*values):
        return values[torch.randint(0, len(values), (1,), generator=generator)]

    n = some(7, 11, 13)
    yield Case("few-steps", (n * some(4, 5, 6) + some(2, 3, 4), n))
    yield Case("many-steps", (some(1000, 1001, 1002), some(331, 337, 347)))
    yield Case("every-time", (T := some(12, 20, 31), T))
    yield Case("single-step", (some(50, 100, 1000), 1))
    yield Case("too-many", (some(8, 10, 12), some(20, 30, 40)))


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


_MADE = {
    "cut-steps": lambda T, n: torch.arange(T, -1, -(T // n))[: n + 1],
    "begins-late": _spread(lambda T: T - 1, lambda T: 0),
    "ends-at-1": _spread(lambda T: T, lambda T: 1),
    "n-times": _spread(lambda T: T, lambda T: 0, less=1),
    "rising": _spread(lambda T: 0, lambda T: T),
    "truncated": _spread(lambda T: T, lambda T: 0, whole=torch.trunc),
}
GRID = {
    **{slug: _guarded(fn) for slug, fn in _MADE.items()},
    **{f"{slug}-unguarded": fn for slug, fn in _MADE.items()},
    "times-twice": _spread(lambda T: T, lambda T: 0),
}


def _grid_draw(case, yours, truth):
    from course import viz

    steps = range(case.args[1] + 1)
    return viz.curves(steps, {"yours": yours[0]}, {"right": truth[0]}, x_label="step", y_label="t", legend=True)


EXERCISE_GRID = Exercise(
    "05-grid",
    truth=lambda T, n: linear(T).grid(n),
    cases=_grid_cases,
    mistakes=GRID,
    ours=(Schedule.grid,),
    picture=_grid_draw,
)


def _down(alpha_bar, x_t, t, s, eps, noise, eta):
    """DDIM's step of every row; the samplers take none of no length, which leaves x_t as it is."""
    return x_t if torch.equal(t, s) else stepped(ddim, alpha_bar, x_t, t, s, eps, noise, eta=eta)


def _up(alpha_bar, x_s, s, t, eps):
    """A step of inversion of every row."""
    schedule = Schedule(alpha_bar)
    return by_pair(lambda pair, x, e: last(invert(lambda *_: e, schedule, x, pair)), t, s, x_s, eps)


def _step_cases(generator):
    for slug, shape, table, eta, dtype in (
        ("pictures", (6, 1, 5, 4), coarse(), 0.0, torch.float64),
        ("square", (4, 3, 4, 4), coarse(), 0.5, torch.float64),
        ("points", (7, 2), coarse(), 1.0, torch.float32),
        ("linear", (5, 2), linear().alpha_bar, 0.3, torch.float64),
    ):
        x_t, eps, noise = normal(generator, 3, *shape, dtype=dtype)
        yield Case(slug, (table, x_t, *times(generator, shape[0], len(table) - 1), eps, noise, eta))
    for slug, far in (("small-jumps", 2), ("no-length", 1)):
        (x_t, eps, noise), t = normal(generator, 3, 8, 3), torch.randint(6, 11, (8,), generator=generator)
        yield Case(slug, (coarse(), x_t, t, t // far, eps, noise, 0.5))
    steep = torch.cat([torch.ones(1), torch.linspace(0.5, 0.02, 20).neg().add(1).cumprod(0)]).double()  # 0.5 at t = 1
    (x_t, eps, noise), t = normal(generator, 3, 6, 3), torch.randint(1, 9, (6,), generator=generator)
    yield Case("last-steps", (steep, x_t, t, 0 * t, eps, noise, 0.3))


def _up_cases(generator):
    for slug, shape, table, dtype in (
        ("pictures", (6, 1, 5, 4), coarse(), torch.float64),
        ("square", (4, 3, 4, 4), coarse(), torch.float64),
        ("points", (7, 2), coarse(), torch.float32),
        ("linear", (5, 2), linear().alpha_bar, torch.float64),
    ):
        x_s, eps = normal(generator, 2, *shape, dtype=dtype)
        t, s = times(generator, shape[0], len(table) - 1)
        yield Case(slug, (table, x_s, s, t, eps))


EXERCISES = (
    Exercise("05-ddim_step", truth=_down, cases=_step_cases, mistakes=DDIM_STEP, ours=(ddim, weight)),
    EXERCISE_GRID,
    Exercise("05-invert_step", truth=_up, cases=_up_cases, mistakes=INVERT_STEP, ours=(invert, weight)),
)
