"""Langevin dynamics: a small step along the score and a draw, many times at each level of noise."""

import math

import torch

from course.forward import like, normal
from course.samplers.walk import Step, asked, pairs, weight
from course.schedules import as_float64


def langevin_step(x, score, noise, step):
    """x + step / 2 score + sqrt(step) noise, (B, ...): small steps leave the density whose score it is as it was.

    x, score and noise (B, ...), step a number. Song, Ermon 1907.05600, eq. 4; lesson 08.
    """
    step = as_float64(step)
    return x + like(step / 2, x) * score + like(step.sqrt(), x) * noise


@torch.no_grad()
def langevin(model, schedule, x_T, grid, cond=None, steps=20, rate=0.2, generator=None):
    """Annealed Langevin dynamics from x_T (B, ...): `steps` steps at each level of the falling `grid` but the last, in
    the frame u = x / sqrt(alpha_bar), each of size rate * sigma^2; yields Step, its x in the frame of the course.

    A level hands its u on as it is; at time 0 the guess of x_0 takes the last noise away, at one call more. Each
    Langevin step draws one normal tensor. The first level must be noisier than the data are far apart, or the start
    decides the shares. Raises ValueError for a grid that does not fall strictly, and unless steps >= 1 and rate > 0.
    Song, Ermon 1907.05600, algorithm 1, and 2006.09011; lesson 08.
    """
    if steps < 1 or not 0 < rate < math.inf:
        raise ValueError(f"a level needs at least one step and a positive rate, not {steps} and {rate}")
    x, ask = x_T, asked(model, cond)  # (B, ...)
    for t, s in pairs(schedule, grid):
        sigma, scale = schedule.sigma(t), weight(schedule.at(t).sqrt(), x)
        u = x / scale
        for _ in range(steps):
            eps = ask(scale * u, t)  # (B, ...)
            x0 = u - weight(sigma, x) * eps
            u = langevin_step(u, -eps / weight(sigma, x), normal(x, generator), rate * sigma**2)
        if s == 0:
            u = x0 = u - weight(sigma, x) * ask(scale * u, t)
        x = weight(schedule.at(s).sqrt(), x) * u
        yield Step(s, x, x0)
