"""DDPM's ancestral sampler: guess x_0, then draw from the posterior that this guess gives."""

import torch

from course.forward import convert, normal, q_posterior
from course.samplers.walk import Step, pairs, predict


@torch.no_grad()
def ddpm(model, schedule, x_T, grid, cond=None, variance=0.0, generator=None):
    """Walk x_T (B, ...) down the falling `grid` with fresh noise at every step but the one to 0; yields Step.

    `variance` blends the two that DDPM names: 0 is beta-tilde (that of the posterior), 1 is beta. Raises ValueError
    for a grid that does not fall strictly or a variance outside 0..1. Ho et al. 2006.11239, algorithm 2; lesson 03.
    """
    if not 0 <= variance <= 1:
        raise ValueError(f"variance blends beta-tilde (0) and beta (1), so it cannot be {variance}")
    x = x_T  # (B, ...)
    for t, s in pairs(schedule, grid):
        x0 = convert(schedule, x, t, predict(model, x, t, cond), "eps", "x0")  # (B, ...)
        x, std = q_posterior(schedule, x0, x, t, s)
        if s > 0:
            beta = 1 - schedule.at(t) / schedule.at(s)
            std = (std.double() ** 2 * (1 - variance) + beta.to(std.device) * variance).sqrt()
            x = x + std.to(x.dtype) * normal(x, generator)
        yield Step(s, x, x0)
