"""Wrappers from model to model: guidance by a condition, and a limit on the guess of x_0. Samplers never know."""

import torch

from course import NULL
from course.forward import convert


def _null(cond):
    """No condition: labels become NULL; an embedding has no null of its own and becomes None."""
    return None if cond.is_floating_point() else torch.full_like(cond, NULL, dtype=torch.long)


def cfg(model, scale):
    """Classifier-free guidance: eps_null + scale (eps_cond - eps_null). Scale 1 is plain conditional, 0 unconditional.

    Without a condition the model is asked once and guides nothing. At scales 0 and 1 one call is enough, and it is
    the plain model's answer, bit by bit. Ho, Salimans 2207.12598, eq. 6, where w = scale - 1.
    """

    def eps(x, t, cond=None):
        if cond is None or scale == 1:
            return model(x, t, cond)
        eps_null = model(x, t, _null(cond))
        return eps_null if scale == 0 else eps_null + scale * (model(x, t, cond) - eps_null)

    return eps


def clip_x0(model, schedule, limit=1.0):
    """Clip the guess of x_0 that eps implies to [-limit, limit], and return the eps that belongs to the clipped guess.

    It needs t >= 1. Raises ValueError unless limit > 0. Ho et al. 2006.11239 clip so in their sampler; lesson 05.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, not {limit}")

    def eps(x, t, cond=None):
        x0 = convert(schedule, x, t, model(x, t, cond), "eps", "x0").clamp(-limit, limit)
        return convert(schedule, x, t, x0, "x0", "eps")

    return eps
