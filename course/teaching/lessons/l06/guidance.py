"""Lesson 06: classifier-free guidance from two answers and from one batch, and a step of DDIM from a v."""

import torch

from course.forward import convert
from course.models import as_eps, cfg
from course.samplers import ddim, last
from course.schedules import Schedule, linear, scaled_linear
from course.teaching.exercises.spec import Case, Exercise, coarse, normal


def _guided(out_null, out_cond, scale):
    """The package's guidance, of a model that knows these two answers."""
    answers, rows = torch.cat([out_null, out_cond]), torch.arange(2 * len(out_null)).split(len(out_null))
    return cfg(lambda x, t, row: answers[row], scale, null=rows[0])(out_null, 0, rows[1])


def cfg_pair(out, scale):
    """Guidance of one batch that holds both answers, null first: (2B, C, H, W) -> (B, C, H, W)."""
    out_null, out_cond = out.chunk(2)
    return out_null + scale * (out_cond - out_null)


def v_step(alpha_bar, z, v, t, s):
    """A step of DDIM from time t to the earlier s, where the network predicted v: (B, C, h, w)."""
    model = as_eps(lambda *_: v, schedule := Schedule(alpha_bar), "v")
    return last(ddim(model, schedule, z, torch.tensor([t, s])))


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
    truth=lambda out, scale: _guided(*out.chunk(2), scale),
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


def _step_cases(generator):
    for slug, table, t, s, shape, dtype in (
        ("large", coarse(), 14, 6, (3, 4, 5, 6), torch.float64),
        ("late", scaled_linear().alpha_bar, 900, 700, (2, 4, 8, 8), torch.float32),
        ("early", linear().alpha_bar, 300, 100, (4, 4, 4, 4), torch.float64),
        ("to-the-end", coarse(), 5, 0, (2, 4, 3, 3), torch.float64),
    ):
        t = t + int(torch.randint(0, 3, (), generator=generator))
        z, v = normal(generator, 2, *shape, dtype=dtype)
        yield Case(slug, (table, z, v, t, s))


def _step(x0=lambda a, z, v: a.sqrt() * z - (1 - a).sqrt() * v, eps=lambda a, z, v: (1 - a).sqrt() * z + a.sqrt() * v,
          roots=torch.sqrt, early=0):  # fmt: skip
    """my_v_step with one part exchanged."""

    def fn(alpha_bar, z, v, t, s):
        a, b = alpha_bar[t - early], alpha_bar[max(s - early, 0)]
        return roots(b) * x0(a, z, v) + roots(1 - b) * eps(a, z, v)

    return fn


def _stays(alpha_bar, z, v, t, s):
    return _step()(alpha_bar, z, v, t, t)


def _clean(alpha_bar, z, v, t, s):
    return _step()(alpha_bar, z, v, t, 0)


V_STEP = Exercise(
    "06-v_step",
    truth=v_step,
    cases=_step_cases,
    mistakes={
        "v-as-eps": _step(lambda a, z, v: (z - (1 - a).sqrt() * v) / a.sqrt(), lambda a, z, v: v),
        "v-as-x0": _step(lambda a, z, v: v, lambda a, z, v: (z - a.sqrt() * v) / (1 - a).sqrt()),
        "v-kept": _step(eps=lambda a, z, v: v),
        "other-sign": _step(lambda a, z, v: a.sqrt() * z + (1 - a).sqrt() * v),
        "exchanged": _step(lambda a, z, v: (1 - a).sqrt() * z - a.sqrt() * v),
        "no-roots": _step(roots=lambda b: b),
        "early": _step(early=1),
        "stays": _stays,
        "clean": _clean,
    },
    ours=(v_step, convert),
)
