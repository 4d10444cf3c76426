"""The exercises of lesson 03, the reverse process, as code; their words stand in the quiz file of the lesson."""

import torch

from course.exact import GaussianMixture
from course.forward import convert, q_posterior
from course.samplers import ddpm
from course.samplers.walk import weight
from course.schedules import Schedule, linear
from course.teaching.exercises.spec import Case, Exercise, as_given, coarse, column, normal
from course.teaching.exercises.steps import stepped, times


def pair(table, t, s):
    """A, B and alpha (B,) of each row."""
    return table[t], table[s], table[t] / table[s]


def one_step(table, t, s):
    """The same with the alpha of one step, whatever s is."""
    return table[t], table[s], table[t] / table[t - 1]


def early(table, t, s):
    """The same from a table that is taken to begin at t = 1."""
    return pair(table, t - 1, s - 1)


def s_early(table, t, s):
    """The same with alpha_bar of the time before s."""
    return table[t], table[s - 1], table[t] / table[s - 1]


def _weights(A, B, alpha, beta):
    """The weights of x0 and of x_t, and the std, of q(x_s | x_t, x_0)."""
    std = (beta * (1 - B) / (1 - A)).sqrt()
    return B.sqrt() * beta / (1 - A), alpha.sqrt() * (1 - B) / (1 - A), std


def _posterior(weights=_weights, read=pair, shape=column):
    def fn(alpha_bar, x0, x_t, t, s):
        A, B, alpha = (shape(a, x_t) for a in read(alpha_bar, t, s))
        of_x0, of_x_t, std = weights(A, B, alpha, 1 - alpha)
        return of_x0 * x0 + of_x_t * x_t, std

    return fn


def _exchanged(*coefficients):
    of_x0, of_x_t, std = _weights(*coefficients)
    return of_x_t, of_x0, std


Q_POSTERIOR = {
    "exchanged": _posterior(_exchanged),
    "one-step": _posterior(read=one_step),
    "no-roots": _posterior(lambda A, B, al, be: (B * be / (1 - A), al * (1 - B) / (1 - A), _weights(A, B, al, be)[2])),
    "root-at-t": _posterior(lambda A, B, al, be: (A.sqrt() * be / (1 - A), *_weights(A, B, al, be)[1:])),
    "variance": _posterior(lambda *p: (*_weights(*p)[:2], _weights(*p)[2] ** 2)),
    "log-variance": _posterior(lambda *p: (*_weights(*p)[:2], (_weights(*p)[2] ** 2).clamp(min=1e-20).log())),
    "undivided": _posterior(lambda A, B, al, be: (*_weights(A, B, al, be)[:2], (be * (1 - B)).sqrt())),
    "sqrt-beta": _posterior(lambda A, B, al, be: (*_weights(A, B, al, be)[:2], be.sqrt())),
    "early": _posterior(read=early),
    "s-early": _posterior(read=s_early),
    "last-axis": _posterior(shape=as_given),
}


def _blend(A, B, beta, variance):
    tilde = beta * (1 - B) / (1 - A)
    return (tilde + variance * (beta - tilde)).sqrt()


def _step(fraction=lambda A, beta: beta / (1 - A).sqrt(), grow=lambda alpha: alpha**-0.5, std=_blend,
          noisy=lambda t, s: s > 0, read=pair, shape=column):  # fmt: skip
    def fn(alpha_bar, x_t, t, s, eps, noise, variance):
        A, B, alpha = (shape(a, x_t) for a in read(alpha_bar, t, s))
        fresh = std(A, B, 1 - alpha, variance) * column(noisy(t, s), x_t) * noise
        return grow(alpha) * (x_t - fraction(A, 1 - alpha) * eps) + fresh

    return fn


DDPM_STEP = {
    "whole-noise": _step(lambda A, beta: 1, torch.ones_like, noisy=lambda t, s: s < 0),
    "not-rescaled": _step(grow=torch.ones_like),
    "beta": _step(lambda A, beta: beta),
    "sqrt-beta": _step(lambda A, beta: beta.sqrt()),
    "std-squared": _step(std=lambda *p: _blend(*p) ** 2),
    "noise-at-last": _step(noisy=lambda t, s: s >= 0),
    "t-not-s": _step(noisy=lambda t, s: t > 1),
    "no-noise": _step(noisy=lambda t, s: s < 0),
    "always-tilde": _step(std=lambda A, B, beta, variance: _blend(A, B, beta, 0.0)),
    "always-beta": _step(std=lambda A, B, beta, variance: _blend(A, B, beta, 1.0)),
    "spreads-blended": _step(std=lambda A, B, beta, v: (1 - v) * _blend(A, B, beta, 0.0) + v * beta.sqrt()),
    "one-step": _step(read=one_step),
    "early": _step(read=early),
    "s-early": _step(read=s_early),
    "last-axis": _step(shape=as_given),
}


def _mixture_cases(generator):
    line = torch.linspace(-3, 3, 61, dtype=torch.float64)[:, None]
    when = torch.randint(4, 13, (1,), generator=generator).expand(61)
    two = torch.tensor([[-1.0], [1.0]]).double(), torch.tensor([0.1, 0.4]).double(), torch.tensor([0.3, 0.7]).double()
    yield Case("line", (coarse(), line, when, *two))
    for slug, B, K, D, t, away, dtype in (
        ("five-dimensions", 6, 3, 5, [0, 1, 20, 5, 9, 14], 1, torch.float64),
        ("far", 4, 3, 2, [1, 2, 6, 11], 60, torch.float64),
        ("square", 4, 4, 4, [3, 20, 7, 12], 2, torch.float64),
        ("float32", 5, 3, 2, [20, 6, 9, 12, 16], 2, torch.float32),
    ):
        means, x_t = 0.6 * normal(generator, K, D, dtype=dtype), away * normal(generator, B, D, dtype=dtype)
        stds = torch.linspace(0.2, 1, K, dtype=dtype)
        weights = torch.rand(K, generator=generator, dtype=torch.float64) ** 2 + torch.tensor([0.05, *[0.3] * (K - 1)])
        yield Case(slug, (coarse(), x_t, torch.tensor(t), means, stds, (weights / weights.sum()).to(dtype)))


def _variance(A, stds):
    return A * stds.square() + 1 - A  # (B, K)


def _shares(logs):
    return logs.softmax(1)  # (B, K)


def _mixture(shrink=torch.sqrt, v=_variance, power=lambda D: D / 2, log=torch.log, shares=_shares,
             front=lambda A: (1 - A).sqrt()):  # fmt: skip
    def fn(alpha_bar, x_t, t, means, stds, weights):
        A = alpha_bar[t][:, None]  # (B, 1)
        spread = v(A, stds)  # (B, K)
        away = x_t[:, None] - shrink(A)[..., None] * means  # (B, K, D)
        logs = log(weights) - power(x_t.shape[1]) * spread.log() - away.square().sum(2) / (2 * spread)
        return front(A) * (shares(logs)[..., None] * away / spread[..., None]).sum(1)

    return fn


MIXTURE_EPS = {
    "means-at-0": _mixture(shrink=torch.ones_like),
    "std-not-squared": _mixture(v=lambda A, stds: A * stds + 1 - A),
    "no-width": _mixture(v=lambda A, stds: 1 - A),
    "t-along-parts": _mixture(v=lambda A, stds: _variance(A[:, 0], stds)),
    "one-dimension": _mixture(power=lambda D: 0.5),
    "no-weights": _mixture(log=torch.zeros_like),
    "exponentials": _mixture(shares=lambda logs: logs.exp() / logs.exp().sum(1, keepdim=True)),
    "over-rows": _mixture(shares=lambda logs: logs.softmax(0)),
    "score": _mixture(front=torch.ones_like),
    "variance": _mixture(front=lambda A: 1 - A),
}


def _mixture_draw(case, yours, truth):
    from course import viz

    x, mine, right = case.args[1][:, 0], yours[0][:, 0], truth[0][:, 0]
    return viz.curves(x, {"yours": mine}, {"right": right}, x_label="x_t", y_label="eps", legend=True)


MIXTURE_EXERCISE = Exercise(
    "03-mixture_eps",
    truth=lambda alpha_bar, x_t, t, *parts: GaussianMixture(*parts).eps_model(Schedule(alpha_bar))(x_t, t),
    cases=_mixture_cases,
    mistakes=MIXTURE_EPS,
    ours=(GaussianMixture._parts, GaussianMixture.score, GaussianMixture.eps_model),
    picture=_mixture_draw,
)


def _posterior_cases(generator):
    for slug, shape, table, dtype in (
        ("pictures", (6, 1, 5, 4), coarse(), torch.float64),
        ("square", (4, 3, 4, 4), coarse(), torch.float64),
        ("points", (7, 2), coarse(), torch.float32),
        ("linear", (5, 2), linear().alpha_bar, torch.float64),
    ):
        x0, x_t = normal(generator, 2, *shape, dtype=dtype)
        yield Case(slug, (table, x0, x_t, *times(generator, shape[0], len(table) - 1)))


def _step_cases(generator):
    for slug, shape, table, variance, dtype in (
        ("pictures", (6, 1, 5, 4), coarse(), 0.0, torch.float64),
        ("square", (4, 3, 4, 4), coarse(), 1.0, torch.float64),
        ("points", (7, 2), coarse(), 0.3, torch.float32),
        ("linear", (5, 2), linear().alpha_bar, 1.0, torch.float64),
    ):
        x_t, eps, noise = normal(generator, 3, *shape, dtype=dtype)
        yield Case(slug, (table, x_t, *times(generator, shape[0], len(table) - 1), eps, noise, variance))
    (x_t, eps, noise), t = normal(generator, 3, 8, 4), torch.randint(7, 11, (8,), generator=generator)
    s = torch.where(torch.arange(8) < 4, 1, t - 1)
    yield Case("single-steps", (coarse(), x_t, t, s, eps, noise, 0.5))
    (x_t, eps, noise), t = normal(generator, 3, 4, 4), torch.tensor([1, 2, 1, 3])
    yield Case("last-steps", (coarse(), x_t, t, 0 * t, eps, noise, 1.0))


EXERCISES = (
    Exercise(
        "03-q_posterior",
        truth=lambda alpha_bar, x0, x_t, t, s: q_posterior(Schedule(alpha_bar), x0, x_t, t, s),
        cases=_posterior_cases,
        mistakes=Q_POSTERIOR,
        ours=(q_posterior,),
    ),
    MIXTURE_EXERCISE,
    Exercise(
        "03-ddpm_step",
        truth=lambda *args: stepped(ddpm, *args[:-1], variance=args[-1]),
        cases=_step_cases,
        mistakes=DDPM_STEP,
        ours=(ddpm, weight, q_posterior, convert),
    ),
)
