"""DDIM: keep the predicted noise and turn it down, so that x_0 is a function of x_T; and the same walk upwards."""

import torch

from course.forward import normal
from course.samplers.walk import Step, asked, pairs, weight


@torch.no_grad()
def ddim(model, schedule, x_T, grid, cond=None, eta=0.0, generator=None):
    """Walk x_T (B, ...) down the falling `grid`; yields Step.

    eta = 0 draws no noise at all, eta = 1 has the noise of DDPM. Raises ValueError for a grid that does not fall
    strictly or an eta outside 0..1. Song et al. 2010.02502, eq. 12 and 16; lesson 05.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta runs from 0 (DDIM) to 1 (DDPM), so it cannot be {eta}")
    x, ask = x_T, asked(model, cond)  # (B, ...)
    for t, s in pairs(schedule, grid):
        alpha_bar_t, alpha_bar_s = schedule.at(t), schedule.at(s)
        eps = ask(x, t)  # (B, ...)
        x0 = (x - weight((1 - alpha_bar_t).sqrt(), x) * eps) / weight(alpha_bar_t.sqrt(), x)
        std = eta * ((1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)).sqrt()
        x = weight(alpha_bar_s.sqrt(), x) * x0 + weight((1 - alpha_bar_s - std**2).clamp(min=0).sqrt(), x) * eps
        if eta > 0 and s > 0:
            x = x + weight(std, x) * normal(x, generator)
        yield Step(s, x, x0)


@torch.no_grad()
def invert(model, schedule, x_0, grid, cond=None):
    """Walk a clean x_0 (B, ...) up to its noise: takes the falling grid of `ddim` and goes through it backwards.

    eps is asked at the later time of each pair with the x of the earlier, so the way back returns x_0 only nearly.
    Yields Step. Raises ValueError as `ddim` does. Song et al. 2010.02502, sec. 4.3; lesson 05.
    """
    x, ask = x_0, asked(model, cond)  # (B, ...)
    for t, s in reversed(list(pairs(schedule, grid))):
        alpha_bar_t, alpha_bar_s = schedule.at(t), schedule.at(s)
        eps = ask(x, t)
        x0 = (x - weight((1 - alpha_bar_s).sqrt(), x) * eps) / weight(alpha_bar_s.sqrt(), x)
        x = weight(alpha_bar_t.sqrt(), x) * x0 + weight((1 - alpha_bar_t).sqrt(), x) * eps
        yield Step(t, x, x0)
