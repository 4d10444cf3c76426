"""The forward process: one jump, one step, its exact posterior, and four names for the same prediction."""

import torch

from course.checks import floating, holds, same_shape
from course.schedules import as_times

KINDS = ("eps", "x0", "v", "score")


def alpha_bar_for(schedule, x, t):
    """alpha_bar at t, float64, shaped to multiply x (B, ...): (B, 1, ..., 1), or 0-dim for a single t.

    It lies where the table lies; `like` brings what is made of it to x. Raises ValueError where t is neither 0-dim nor
    (B,), and TypeError where x is not floating point.
    """
    floating(x)
    t = as_times(t)
    if t.ndim and t.shape != x.shape[:1]:
        raise ValueError(f"t must be a number or ({len(x)},), one for each picture, but is {tuple(t.shape)}")
    return schedule.at(t, x.ndim)


def like(coefficient, x):
    """A coefficient in the dtype of x and where x lies: first the dtype, as MPS has no float64."""
    return coefficient.to(x.dtype).to(x.device)


def normal(x, generator=None):
    """Fresh noise like x, drawn where the generator lives, so that one seed gives one picture on every device."""
    device = x.device if generator is None else generator.device
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=device).to(x.device)


def q_sample(schedule, x0, t, eps):
    """x_t drawn from q(x_t | x_0) in one jump: sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) eps.

    x0 and eps (B, ...), t (B,) or a number in 0..T -> (B, ...). Raises ValueError on wrong shapes or times.
    Ho et al. 2006.11239, eq. 4; lesson 02.
    """
    same_shape(x0, eps, "x0 and eps")
    alpha_bar = alpha_bar_for(schedule, x0, t)  # (B, 1, ..., 1)
    return like(alpha_bar.sqrt(), x0) * x0 + like((1 - alpha_bar).sqrt(), x0) * eps


def q_step(schedule, x, t, noise):
    """One small step from t - 1 to t: sqrt(1 - beta_t) x + sqrt(beta_t) noise.

    x and noise (B, ...), t (B,) or a number in 1..T, whole -> (B, ...). 2006.11239, eq. 2; lesson 02.
    """
    same_shape(x, noise, "x and noise")
    t = as_times(t)
    if not holds(t >= 1):
        raise ValueError(f"a step to t comes from t - 1, so t must lie in 1..{schedule.T}")
    alpha = alpha_bar_for(schedule, x, t) / alpha_bar_for(schedule, x, t - 1)  # (B, 1, ..., 1)
    return like(alpha.sqrt(), x) * x + like((1 - alpha).sqrt(), x) * noise


def q_posterior(schedule, x0, x_t, t, s):
    """Mean and std of q(x_s | x_t, x_0) for any s < t: (B, ...) and (B, 1, ..., 1), or 0-dim for a single t and s.

    Raises ValueError unless 0 <= s < t <= T. 2006.11239, eq. 6 and 7 (there s = t - 1); lesson 03.
    """
    same_shape(x0, x_t, "x0 and x_t")
    alpha_bar_t, alpha_bar_s = alpha_bar_for(schedule, x_t, t), alpha_bar_for(schedule, x_t, s)
    t, s = as_times(t), as_times(s)
    if not holds(s.to(t.device) < t):
        raise ValueError("the posterior goes back in time: every s must be smaller than its t")
    alpha = alpha_bar_t / alpha_bar_s
    beta = 1 - alpha  # variance that was added between s and t
    of_x0 = alpha_bar_s.sqrt() * beta / (1 - alpha_bar_t)
    of_x_t = alpha.sqrt() * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    std = (beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)).sqrt()
    return like(of_x0, x_t) * x0 + like(of_x_t, x_t) * x_t, like(std, x_t)


def convert(schedule, x_t, t, value, old, new):
    """Rename a prediction: `value` is `old` ("eps", "x0", "v" or "score") and comes back as `new`, (B, ...).

    v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0 (Salimans, Ho 2202.00512, sec. 4) and the score is
    -eps / sqrt(1 - alpha_bar). Raises ValueError for an unknown name, and at t = 0 where the answer would need a
    division by zero. Lesson 02.
    """
    for kind in (old, new):
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    same_shape(x_t, value, f"x_t and {old}")
    if old == new:
        return value
    alpha_bar = alpha_bar_for(schedule, x_t, t)
    if (new == "score" or old == "x0") and not holds(alpha_bar < 1):
        raise ValueError(f"at t = 0 there is no noise, so {new} cannot be had from {old}; use t from 1 to T")
    a, b = like(alpha_bar.sqrt(), x_t), like((1 - alpha_bar).sqrt(), x_t)  # signal and noise amplitude
    if old == "score":
        value, old = -b * value, "eps"
    if old == "eps":
        eps, x0 = value, (x_t - b * value) / a
    elif old == "x0":
        eps, x0 = (x_t - a * value) / b, value
    else:  # v: a rotation, no division
        eps, x0 = b * x_t + a * value, a * x_t - b * value
    if new == "score":
        return -eps / b
    return {"eps": eps, "x0": x0, "v": a * eps - b * x0}[new]
