"""The exercises of lesson 08, score, SDE and flow, as code; their words stand in the quiz file of the lesson."""

import math

import torch

from course.forward import convert, level, reframe, to_flow
from course.metrics import path_log_p
from course.samplers.sde import reverse_step
from course.schedules import Schedule, linear
from course.teaching.exercises.spec import Case, Exercise, as_given, coarse, column, normal


def _reverse(kept=lambda b: b / 2, pull=lambda b, eta: (1 + eta**2) / 2 * b,
             std=lambda b, h, eta: eta * (b * h).sqrt(), shape=column):  # fmt: skip
    def fn(beta, x, h, score, noise, eta):
        b = shape(beta, x)
        return x + h * (kept(b) * x + pull(b, eta) * score) + std(b, h, eta) * noise

    return fn


REVERSE_STEP = {
    "half-score": _reverse(pull=lambda b, eta: b / 2),
    "whole-score": _reverse(pull=lambda b, eta: b),
    "score-sign": _reverse(pull=lambda b, eta: -(1 + eta**2) / 2 * b),
    "forward-drift": _reverse(kept=lambda b: -b / 2),
    "eta-unsquared": _reverse(pull=lambda b, eta: (1 + eta) / 2 * b),
    "noise-eta-squared": _reverse(std=lambda b, h, eta: eta**2 * (b * h).sqrt()),
    "noise-beta": _reverse(std=lambda b, h, eta: eta * b * h**0.5),
    "noise-h": _reverse(std=lambda b, h, eta: eta * b.sqrt() * h),
    "whole-beta": _reverse(kept=lambda b: b),
    "last-axis": _reverse(shape=as_given),
}


def _sigma(A):
    return ((1 - A) / A).sqrt()


def _by_frame(s, A, x, x0, eps):
    return (1 - s) * x / A.sqrt()


def _mixed(s, A, x, x0, eps):
    return (1 - s) * x0 + s * eps


def _clean(A, x, eps):
    return (x - (1 - A).sqrt() * eps) / A.sqrt()


def _undivided(A, x, eps):
    return x - (1 - A).sqrt() * eps


def _flow(s=lambda A: _sigma(A) / (1 + _sigma(A)), z=_by_frame, x0=_clean,
          velocity=lambda eps, x0, z: eps - x0, shape=column, early=0):  # fmt: skip
    def fn(alpha_bar, x_t, t, eps):
        table = alpha_bar[t - early]
        A = shape(table, x_t)
        clean, time = x0(A, x_t, eps), s(A)
        state = z(time, A, x_t, clean, eps)
        return s(table), state, velocity(eps, clean, state)

    return fn


def _reversed(A):
    return 1 / (1 + _sigma(A))


TO_FLOW = {
    "power": _flow(lambda A: 1 - A),
    "power-mixed": _flow(lambda A: 1 - A, _mixed),
    "amplitude": _flow(lambda A: (1 - A).sqrt()),
    "amplitude-mixed": _flow(lambda A: (1 - A).sqrt(), _mixed),
    "reversed": _flow(_reversed),
    "reversed-mixed": _flow(_reversed, _mixed),
    "state-kept": _flow(z=lambda s, A, x, x0, eps: x),
    "state-u": _flow(z=lambda s, A, x, x0, eps: x / A.sqrt()),
    "velocity-sign": _flow(velocity=lambda eps, x0, z: x0 - eps),
    "undivided": _flow(x0=_undivided),
    "undivided-mixed": _flow(x0=_undivided, z=_mixed),
    "from-state": _flow(velocity=lambda eps, x0, z: eps - z),
    "early": _flow(early=1),
    "last-axis": _flow(shape=as_given),
}


def _trapezoids(sigma, div):
    return torch.trapezoid(div, sigma, dim=0)


def _normal_log_p(u, std, constants=None):
    """log N(u; 0, std^2 I), its constants counted D times, or as told."""
    D = u[0].numel()
    return -u.flatten(1).square().sum(1) / (2 * std**2) - (constants or (lambda D: D * _constant(std)))(D)


def _constant(std):
    return math.log(2 * math.pi) / 2 + math.log(std)


def _log_p(area=_trapezoids, end=lambda u, std: _normal_log_p(u, std), sign=1):
    return lambda sigma, u, div: end(u, sigma[-1]) + sign * area(sigma, div)


ODE_LOG_P = {
    "minus": _log_p(sign=-1),
    "unit-end": _log_p(end=lambda u, std: _normal_log_p(u, 1.0)),
    "area-alone": _log_p(end=lambda u, std: 0.0),
    "no-width": _log_p(end=lambda u, std: _normal_log_p(u, std, lambda D: D * _constant(1.0))),
    "counted-once": _log_p(end=lambda u, std: _normal_log_p(u, std, lambda D: _constant(std))),
    "std-unsquared": _log_p(end=lambda u, std: _normal_log_p(u / std.sqrt(), 1.0, lambda D: D * _constant(std))),
    "left-sums": _log_p(lambda sigma, div: (sigma.diff()[:, None] * div[:-1]).sum(0)),
    "right-sums": _log_p(lambda sigma, div: (sigma.diff()[:, None] * div[1:]).sum(0)),
    "mean": _log_p(lambda sigma, div: div.mean(0)),
    "sum": _log_p(lambda sigma, div: div.sum(0)),
}


def _step_cases(generator):
    for slug, shape, eta, dtype in (
        ("pictures", (6, 1, 5, 4), 0.5, torch.float64),
        ("square", (4, 3, 4, 4), 1.0, torch.float64),
        ("points", (7, 2), 2.0, torch.float32),
        ("ode", (5, 3), 0.0, torch.float64),
    ):
        x, score, noise = normal(generator, 3, *shape, dtype=dtype)
        beta = (0.3 + 17.7 * torch.rand(shape[0], generator=generator, dtype=torch.float64)).to(dtype)
        yield Case(slug, (beta, x, 0.02, score, noise, eta))
    table = coarse()
    t = torch.randint(1, 21, (6,), generator=generator)
    x, score, noise = normal(generator, 3, 6, 3)
    yield Case("large-steps", (20 * (1 - table[t] / table[t - 1]), x, 1 / 20, score, noise, 0.5))


def _flow_cases(generator):
    for slug, shape, dtype, table in (
        ("pictures", (6, 1, 5, 4), torch.float64, coarse()),
        ("square", (4, 3, 4, 4), torch.float64, coarse()),
        ("points", (7, 2), torch.float32, coarse().float()),
        ("linear", (5, 3, 2, 6), torch.float64, linear().alpha_bar),
    ):
        x, eps = normal(generator, 2, *shape, dtype=dtype)
        T = len(table) - 1
        t = torch.cat([torch.tensor([0, T]), torch.randint(2, T, (shape[0] - 2,), generator=generator)])
        yield Case(slug, (table, x, t, eps))


def _path_cases(generator):
    def path(sigma, *shape):
        """Ends where such a path ends, and slopes that fall as 1 / sigma does."""
        D, wave = math.prod(shape[1:]), torch.rand(len(sigma), shape[0], generator=generator, dtype=torch.float64)
        u = sigma[-1] * normal(generator, *shape)
        return sigma, u, D * (0.5 + wave) / (0.3 + sigma)[:, None]

    def some(low, high, n):
        return (low + (high - low) * torch.rand(n, generator=generator, dtype=torch.float64)).cumsum(0)

    table = Schedule(coarse())
    yield Case("one-number", path(some(0.2, 1.0, 3), 5, 1))
    yield Case("points", path(some(0.1, 0.9, 9), 7, 2))
    yield Case("pictures", path(some(0.1, 1.5, 5), 4, 1, 3, 3))
    yield Case("single-step", path(some(0.2, 2.0, 2), 6, 2))
    yield Case("large-steps", path(table.sigma(torch.arange(1, 21)), 4, 3))


def _flow_truth(alpha_bar, x_t, t, eps):
    s, z, velocity = to_flow(Schedule(alpha_bar), x_t, t, eps)
    return s.to(alpha_bar.dtype), z, velocity


EXERCISES = (
    Exercise(
        "08-reverse_step",
        truth=lambda beta, x, h, score, noise, eta: reverse_step(beta, x, h, score, noise, eta),
        cases=_step_cases,
        mistakes=REVERSE_STEP,
        ours=(reverse_step,),
    ),
    Exercise(
        "08-to_flow",
        truth=_flow_truth,
        cases=_flow_cases,
        mistakes=TO_FLOW,
        ours=(to_flow, level, reframe, convert),
    ),
    Exercise(
        "08-ode_log_p",
        truth=lambda sigma, u, div: path_log_p(sigma, u, div),
        cases=_path_cases,
        mistakes=ODE_LOG_P,
        ours=(path_log_p,),
    ),
)
