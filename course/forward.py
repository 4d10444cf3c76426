"""The forward process: one jump, one step, its exact posterior; and one Rosetta table for the names of all papers, of
levels (`level`), states (`reframe`) and predictions (`convert`, `rename`), each through sigma."""

import torch

from course.checks import floating, holds, same_shape
from course.schedules import as_float64, as_times

KINDS = ("eps", "x0", "v", "score", "velocity")

# The names of a noise level, to sigma and back, and the frames, by what x_0 + sigma eps is multiplied with in them. s,
# the share of noise in the flow's z = (1 - s) x_0 + s eps, is written so that sigma may be infinite.
TO_SIGMA = {
    "alpha_bar": lambda value: ((1 - value) / value).sqrt(),
    "sigma": lambda value: value,
    "lam": lambda value: (-value).exp(),
    "log_snr": lambda value: (-value / 2).exp(),
    "s": lambda value: value / (1 - value),
}
FROM_SIGMA = {
    "alpha_bar": lambda sigma: 1 / (1 + sigma**2),
    "sigma": lambda sigma: sigma,
    "lam": lambda sigma: -sigma.log(),
    "log_snr": lambda sigma: -2 * sigma.log(),
    "s": lambda sigma: 1 / (1 + 1 / sigma),
}
FRAMES = {
    "x": lambda sigma: 1 / (1 + sigma**2).sqrt(),
    "u": lambda sigma: torch.ones_like(sigma),
    "z": lambda sigma: 1 / (1 + sigma),
}


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
    """Rename a prediction: `value`, (B, ...), is `old`, one of `KINDS`, and comes back as `new`.

    v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0 (Salimans, Ho 2202.00512, sec. 4), the score is
    -eps / sqrt(1 - alpha_bar), the velocity of a flow eps - x0 (lesson 08). Raises ValueError for an unknown name, and
    at t = 0 where the answer would need a division by zero. Lesson 02.
    """
    _known(KINDS, "kind", old, new)
    same_shape(x_t, value, f"x_t and {old}")
    if old == new:
        return value
    alpha_bar = alpha_bar_for(schedule, x_t, t)
    if _without_noise(alpha_bar < 1, old, new):
        raise ValueError(f"at t = 0 there is no noise, so {new} cannot be had from {old}; use t from 1 to T")
    return _renamed(x_t, like(alpha_bar.sqrt(), x_t), like((1 - alpha_bar).sqrt(), x_t), value, old, new)


def _known(names, what, *given):
    for name in given:
        if name not in names:
            raise ValueError(f"unknown {what} {name!r}; known: {', '.join(names)}")


def _without_noise(noisy, old, new):
    """Whether a rename would divide by a noise that is not everywhere there."""
    return (new == "score" or old == "x0") and old != new and not holds(noisy)


def _renamed(x, a, b, value, old, new):
    """A prediction about x = a x0 + b eps, (B, ...), under another name."""
    if old == "score":
        value, old = -b * value, "eps"
    if old == "eps":
        eps, x0 = value, (x - b * value) / a
    elif old == "x0":
        eps, x0 = (x - a * value) / b, value
    elif old == "v":  # a rotation, no division
        eps, x0 = b * x + a * value, a * x - b * value
    else:  # velocity: a + b lies between 1 and 1.42
        eps, x0 = (x + a * value) / (a + b), (x - b * value) / (a + b)
    if new == "score":
        return -eps / b
    return {"eps": eps, "x0": x0, "v": a * eps - b * x0, "velocity": eps - x0}[new]


def level(value, old, new):
    """A noise level under another name, float64, of any shape: "alpha_bar", "sigma", "lam", "log_snr" or "s".

    lam = -log sigma, log_snr = 2 lam, s = sigma / (1 + sigma). Where all is noise, sigma is infinite and s = 1. Of a
    small sigma alpha_bar keeps few digits, as it is nearly 1. Raises ValueError for an unknown name, and for a value
    that it cannot have. Lesson 08.
    """
    _known(TO_SIGMA, "level", old, new)
    value = as_float64(value)
    low, high = {"alpha_bar": (0, 1), "s": (0, 1), "sigma": (0, torch.inf)}.get(old, (-torch.inf, torch.inf))
    if not holds((value >= low) & (value <= high)):
        raise ValueError(f"{old} runs from {low} to {high}; yours lies outside, or is no number")
    return value if old == new else FROM_SIGMA[new](TO_SIGMA[old](value))


def _sigma_for(x, sigma):
    """sigma, a number or one for each of x (B, ...), float64, shaped to multiply x."""
    floating(x)
    sigma = as_float64(sigma)
    if sigma.numel() not in (1, len(x)):
        raise ValueError(f"sigma must be one number or one for each of {len(x)} x, not {sigma.numel()}")
    if not holds((sigma >= 0) & sigma.isfinite()):
        raise ValueError("sigma must be finite and not negative")
    return sigma.reshape(-1, *[1] * (x.ndim - 1)) if sigma.ndim else sigma


def reframe(x, sigma, old, new):
    """A noisy state in another frame, (B, ...): "x" is sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps (DDPM, VP), "u" is
    x_0 + sigma eps (VE, EDM), "z" is (1 - s) x_0 + s eps (flow matching).

    sigma is a number or (B,). Raises ValueError for an unknown frame. VP and VE: Song et al. 2011.13456, eq. 9 and 11;
    flows: Lipman et al. 2210.02747, eq. 22, where time runs from noise to data. Lesson 08.
    """
    _known(FRAMES, "frame", old, new)
    sigma = _sigma_for(x, sigma)
    return x if old == new else like(FRAMES[new](sigma) / FRAMES[old](sigma), x) * x


def rename(value, x, sigma, old, new, frame="x"):
    """`convert` in any frame, without a table: `value` says `old` of the state x (B, ...) of this frame at the level
    sigma, a number or (B,), and comes back as `new`.

    eps, x0, v and velocity are the same in all frames; a score is the slope of the frame's own density. x0 is EDM's D.
    Raises ValueError for an unknown name, and at sigma = 0 where the answer would need a division by zero. Karras et
    al. 2206.00364, eq. 3, for the score of u; lesson 08.
    """
    _known(KINDS, "kind", old, new)
    _known(FRAMES, "frame", frame)
    same_shape(x, value, f"x and {old}")
    if old == new:
        return value
    sigma = _sigma_for(x, sigma)
    if _without_noise(sigma > 0, old, new):
        raise ValueError(f"at sigma = 0 there is no noise, so {new} cannot be had from {old}")
    x, a, stretch = reframe(x, sigma, frame, "x"), FRAMES["x"](sigma), FRAMES[frame](sigma) / FRAMES["x"](sigma)
    value = like(stretch, x) * value if old == "score" else value
    value = _renamed(x, like(a, x), like(a * sigma, x), value, old, new)
    return value / like(stretch, x) if new == "score" else value


def to_flow(schedule, x_t, t, eps):
    """A state and the guess of its noise as a flow has them: its time s, its state z, its velocity dz/ds = eps - x0.

    x_t and eps (B, ...), t (B,) or a number -> s float64, of the shape of t, z and velocity (B, ...). Lipman et al.
    2210.02747, eq. 22 and 23, with s = 1 - t; lesson 08.
    """
    sigma = schedule.sigma(t)
    velocity = convert(schedule, x_t, t, eps, "eps", "velocity")
    return level(sigma, "sigma", "s"), reframe(x_t, sigma, "x", "z"), velocity
