"""Lesson 06: classifier-free guidance from two answers, and from one batch that holds both."""

import torch

from course.models import cfg
from course.teaching.exercises.spec import Case, Exercise, normal


def _guided(eps_null, eps_cond, scale):
    """The package's guidance, of a model that knows these two answers."""
    answers, rows = torch.cat([eps_null, eps_cond]), torch.arange(2 * len(eps_null)).split(len(eps_null))
    return cfg(lambda x, t, row: answers[row], scale, null=rows[0])(eps_null, 0, rows[1])


def cfg_pair(eps, scale):
    """Guidance of one batch that holds both answers, null first: (2B, C, H, W) -> (B, C, H, W)."""
    eps_null, eps_cond = eps.chunk(2)
    return eps_null + scale * (eps_cond - eps_null)


def _cases(generator):
    for slug, scale, shape, dtype in (
        ("latents", 7.5, (3, 4, 5, 6), torch.float64),
        ("square", 2.0, (4, 4, 4, 4), torch.float32),
        ("scale-1", 1.0, (2, 4, 3, 3), torch.float64),
        ("scale-0", 0.0, (2, 4, 3, 3), torch.float64),
    ):
        yield Case(slug, (*normal(generator, 2, *shape, dtype=dtype), scale))
    eps = normal(generator, 2, 4, 4, 4)
    yield Case("equal-answers", (eps, eps.clone(), 30.0))


def _pair_cases(generator):
    for slug, scale, shape, dtype in (
        ("three", 7.5, (6, 4, 5, 3), torch.float64),
        ("one", 2.0, (2, 4, 8, 8), torch.float64),
        ("square", 5.0, (4, 4, 4, 4), torch.float32),
        ("scale-1", 1.0, (8, 4, 3, 3), torch.float64),
    ):
        yield Case(slug, (normal(generator, *shape, dtype=dtype), scale))


def _exchanged(u, c, s):
    return c + s * (u - c)


def _from_conditional(u, c, s):
    return c + s * (c - u)


def _whole(u, c, s):
    return u + s * c


def _pair(halves=lambda eps: eps.chunk(2), guide=lambda u, c, s: u + s * (c - u)):
    """my_cfg_pair with one part exchanged."""
    return lambda eps, scale: guide(*halves(eps), scale)


CFG = Exercise(
    "06-cfg",
    truth=_guided,
    cases=_cases,
    mistakes={
        "from-conditional": _from_conditional,
        "exchanged": _exchanged,
        "null-minus-one": lambda u, c, s: s * c - u,
        "whole": _whole,
        "null-unused": lambda u, c, s: s * c,
        "push-alone": lambda u, c, s: s * (c - u),
        "divided": lambda u, c, s: (u + s * (c - u)) / s,
        "switched": lambda u, c, s: u + s * (c - u) if s > 1 else c,
    },
    ours=(cfg,),
)

CFG_PAIR = Exercise(
    "06-cfg_pair",
    truth=lambda eps, scale: _guided(*eps.chunk(2), scale),
    cases=_pair_cases,
    mistakes={
        "halves-exchanged": _pair(guide=_exchanged),
        "every-other": _pair(lambda eps: (eps[0::2], eps[1::2])),
        "along-channels": _pair(lambda eps: eps.chunk(2, dim=1)),
        "one-row": _pair(lambda eps: (eps[:1], eps[1:])),
        "first-two": _pair(lambda eps: (eps[0], eps[1])),
        "from-conditional": _pair(guide=_from_conditional),
        "whole": _pair(guide=_whole),
    },
    ours=(cfg_pair,),
)
