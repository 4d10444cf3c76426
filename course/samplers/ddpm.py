"""DDPM's ancestral sampler: guess x_0, then draw from the posterior that this guess gives."""

import torch

from course.forward import convert, normal, q_posterior
from course.samplers.walk import Step, asked, pairs, weight


@torch.no_grad()
def ddpm(model, schedule, x_T, grid, cond=None, variance=0.0, generator=None):
    """Walk x_T (B, ...) down the falling `grid` with fresh noise at every step but the one to 0; yields Step.

    `variance` blends the two that DDPM names: 0 is beta-tilde (that of the posterior), 1 is beta. Raises ValueError
    for a grid that does not fall strictly or a variance outside 0..1. Ho et al. 2006.11239, algorithm 2; lesson 03.
    """
    if not 0 <= variance <= 1:
        raise ValueError(f"variance blends beta-tilde (0) and beta (1), so it cannot be {variance}")
    x, ask = x_T, asked(model, cond)  # (B, ...)
    for t, s in pairs(schedule, grid):
        x0 = convert(schedule, x, t, ask(x, t), "eps", "x0")  # (B, ...)
        x, _ = q_posterior(schedule, x0, x, t, s)
        if s > 0:
            alpha_bar_t, alpha_bar_s = schedule.at(t), schedule.at(s)
            beta = 1 - alpha_bar_t / alpha_bar_s
            tilde = beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
            x = x + weight((tilde * (1 - variance) + beta * variance).sqrt(), x) * normal(x, generator)
        yield Step(s, x, x0)
