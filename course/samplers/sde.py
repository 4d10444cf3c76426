"""The reverse SDE and its ODE as one step with one dial for the noise, and the ancestral step of the VE frame."""

import math

import torch

from course.forward import like, normal
from course.samplers.walk import Step, asked, pairs, weight
from course.schedules import as_float64


def reverse_step(beta, x, h, score, noise, eta=1.0):
    """x a time h earlier: x + h (beta / 2 x + (1 + eta^2) / 2 beta score) + eta sqrt(beta h) noise.

    beta, the rate at which noise is added, is a number or (B,); x, score and noise (B, ...). eta = 0 is the probability
    flow ODE of the VP SDE, and eta^2 beta h the step of a Langevin step on top of it; eta = 1 is the reverse SDE, and
    no other eta reverses time. Song et al. 2011.13456, eq. 6, 11 and 13; lesson 08.
    """
    beta = as_float64(beta)
    beta = beta.reshape(-1, *[1] * (x.ndim - 1)) if beta.ndim else beta  # (B, 1, ..., 1)
    kept, pull = like(h * beta / 2, x), like((1 + eta**2) * h * beta / 2, x)
    return x + kept * x + pull * score + like(eta * (beta * h).sqrt(), x) * noise


@torch.no_grad()
def reverse_sde(model, schedule, x_T, grid, cond=None, eta=1.0, generator=None):
    """Walk x_T (B, ...) down the falling `grid` by `reverse_step`, with all noise that is added between the two times
    of a pair as its beta h; yields Step.

    eta = 0 draws nothing, a larger one draws at every step but the one to 0; for small steps it is the eta of `ddim`,
    and may exceed 1. Raises ValueError for a grid that does not fall strictly or a negative eta. Euler, Maruyama on
    Song et al. 2011.13456, eq. 6; lesson 08.
    """
    if not 0 <= eta < math.inf:
        raise ValueError(f"eta runs from 0 (the ODE) upwards, 1 is the reverse SDE, so it cannot be {eta}")
    x, ask = x_T, asked(model, cond)  # (B, ...)
    for t, s in pairs(schedule, grid):
        alpha_bar_t, alpha_bar_s = schedule.at(t), schedule.at(s)
        eps = ask(x, t)  # (B, ...)
        x0 = (x - weight((1 - alpha_bar_t).sqrt(), x) * eps) / weight(alpha_bar_t.sqrt(), x)
        score = -eps / weight((1 - alpha_bar_t).sqrt(), x)
        noise = normal(x, generator) if eta > 0 and s > 0 else torch.zeros_like(x)
        x = reverse_step((alpha_bar_s / alpha_bar_t).log(), x, 1.0, score, noise, eta)
        yield Step(s, x, x0)


@torch.no_grad()
def ancestral(model, schedule, x_T, grid, cond=None, generator=None):
    """Walk x_T (B, ...) down the falling `grid` in the frame u = x / sqrt(alpha_bar), where noise only grows; yields
    Step, its x in the frame of the course.

    u + (sigma_t^2 - sigma_s^2) score + sigma_s sqrt(1 - sigma_s^2 / sigma_t^2) noise: the step that was found for the
    ladder of NCSN, and it is that of `ddpm`. Fresh noise at every step but the one to 0. Raises ValueError for a grid
    that does not fall strictly. Song et al. 2011.13456, eq. 47; lesson 08.
    """
    ask, x = asked(model, cond), x_T
    for t, s in pairs(schedule, grid):
        sigma_t, sigma_s, alpha_bar_t = schedule.sigma(t), schedule.sigma(s), schedule.at(t)
        u, score = x / weight(alpha_bar_t.sqrt(), x), -ask(x, t) / weight(sigma_t, x)  # (B, ...)
        x0 = u + weight(sigma_t**2, x) * score
        u = u + weight(sigma_t**2 - sigma_s**2, x) * score
        if s > 0:
            u = u + weight(sigma_s * (1 - sigma_s**2 / sigma_t**2).sqrt(), x) * normal(x, generator)
        x = weight(schedule.at(s).sqrt(), x) * u
        yield Step(s, x, x0)
