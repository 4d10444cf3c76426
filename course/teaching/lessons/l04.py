"""The exercises of lesson 04, training, as code; their words stand in the quiz file of the lesson."""

import math

import torch
import torch.nn as nn

from course.forward import q_sample
from course.nets import ResBlock, timestep_embedding
from course.schedules import Schedule, linear
from course.teaching.exercises.spec import Case, Exercise, as_given, coarse, column, normal
from course.training.eps import loss_fn
from course.training.loop import EMA


def _embedding_cases(generator):
    """Times up to 20: beyond, float32 loses digits of the angle, and nobody could be told right from wrong by them."""
    yield Case("whole-times", (torch.arange(21), 16))
    yield Case("fractions", (20 * torch.rand(5, generator=generator), 8))
    yield Case("other-period", (torch.randint(1, 21, (6,), generator=generator), 12, 100.0))
    yield Case("two-frequencies", (torch.randint(1, 21, (4,), generator=generator), 4))


def _embedding(frequency=lambda k, half, period: period ** (-k / half), clock=lambda t: t,
               order=lambda sin, cos: torch.cat([sin, cos], 1)):  # fmt: skip
    """my_timestep_embedding with one part exchanged."""

    def fn(t, dim, max_period=10000.0):
        angle = clock(t)[:, None] * frequency(torch.arange(dim // 2), dim // 2, max_period)  # (B, dim / 2)
        return order(angle.sin(), angle.cos())

    return fn


def _draw_embedding(case, yours, truth):
    from course import viz

    rows = torch.stack([yours[0], truth[0]]).float()[:, None]  # (2, 1, B, dim)
    return viz.pictures(rows, titles=("yours", "right"))


EMBEDDING = Exercise(
    "04-timestep_embedding",
    truth=timestep_embedding,
    cases=_embedding_cases,
    mistakes={
        "t-over-1000": _embedding(clock=lambda t: t / 1000),
        "rising": _embedding(lambda k, half, period: period ** (k / half)),
        "by-dim": _embedding(lambda k, half, period: period ** (-k / (2 * half))),
        "by-half-less-one": _embedding(lambda k, half, period: period ** (-k / (half - 1))),
        "fixed-period": _embedding(lambda k, half, period: 10000.0 ** (-k / half)),
        "cosines-first": _embedding(order=lambda sin, cos: torch.cat([cos, sin], 1)),
        "alternating": _embedding(order=lambda sin, cos: torch.stack([sin, cos], 2).flatten(1)),
        "full-turns": _embedding(clock=lambda t: 2 * math.pi * t),
        "whole-t": _embedding(clock=lambda t: t.long()),
    },
    ours=(timestep_embedding,),
    picture=_draw_embedding,
)


def _film_cases(generator):
    for slug, B, C, H, W, dtype in (
        ("pictures", 6, 3, 5, 4, torch.float64),
        ("square", 4, 4, 4, 4, torch.float64),
        ("one-channel", 2, 1, 3, 3, torch.float32),
    ):
        yield Case(slug, (normal(generator, B, C, H, W, dtype=dtype), normal(generator, B, 2 * C, dtype=dtype)))
    h = normal(generator, 3, 2, 4, 4)
    yield Case("zero", (h, h.new_zeros(3, 4)))


def _film(bend=lambda h, scale, shift: h * (1 + scale) + shift, cut=lambda e: e.chunk(2, 1),
          spread=lambda part: part[:, :, None, None]):  # fmt: skip
    """my_film, or with one part exchanged a mistake: the first is the line of ResBlock.forward."""
    return lambda h, e: bend(h, *map(spread, cut(e)))


FILM = Exercise(
    "04-film",
    truth=_film(),
    cases=_film_cases,
    mistakes={
        "scale-itself": _film(lambda h, scale, shift: h * scale + shift),
        "last-axes": _film(spread=lambda part: part),
        "exchanged": _film(cut=lambda e: e.chunk(2, 1)[::-1]),
        "shift-first": _film(lambda h, scale, shift: (h + shift) * (1 + scale)),
        "shift-only": _film(lambda h, scale, shift: h + shift),
        "scale-only": _film(lambda h, scale, shift: h * (1 + scale)),
        "every-other": _film(cut=lambda e: (e[:, 0::2], e[:, 1::2])),
    },
    ours=(ResBlock,),
)


def _average(shadow, weights, step, decay):
    """One update of the package's EMA, of a network whose only weights these are."""
    ema = EMA(nn.ParameterList([shadow]), decay)
    ema.update(nn.ParameterList([weights]), step)
    return ema.net[0]


def _ema_cases(generator):
    for slug, step, decay, shape, dtype in (
        ("first-step", 0, 0.999, (3, 5), torch.float64),
        ("step-8", 8, 0.99, (4, 4), torch.float64),
        ("short-memory", 90, 0.5, (6,), torch.float64),
        ("past-warm-up", 5000, 0.99, (2, 3, 2, 2), torch.float64),
        ("float32", 40, 0.9, (5,), torch.float32),
    ):
        yield Case(slug, (*normal(generator, 2, *shape, dtype=dtype), step, decay))


def _ema(keep):
    def fn(shadow, weights, step, decay):
        d = keep(step, decay)
        return d * shadow + (1 - d) * weights

    return fn


def _warm(step):
    return (1 + step) / (10 + step)


EMA_STEP = Exercise(
    "04-ema_step",
    truth=_average,
    cases=_ema_cases,
    mistakes={
        "exchanged": _ema(lambda step, decay: 1 - min(decay, _warm(step))),
        "no-warm-up": _ema(lambda step, decay: decay),
        "larger-one": _ema(lambda step, decay: max(decay, _warm(step))),
        "no-decay": _ema(lambda step, decay: _warm(step)),
        "weights-whole": lambda shadow, weights, step, decay: min(decay, _warm(step)) * shadow + weights,
        "mean-of-all": _ema(lambda step, decay: step / (step + 1)),
        "power": _ema(lambda step, decay: decay**step),
        "from-one": _ema(lambda step, decay: min(decay, _warm(step + 1))),
    },
    ours=(EMA,),
)


def _pair_cases(generator):
    for slug, shape, table, dtype in (
        ("pictures", (6, 1, 5, 4), coarse(), torch.float64),
        ("square", (4, 4, 4, 4), coarse(), torch.float64),
        ("colour", (5, 3, 2, 3), coarse(), torch.float32),
        ("linear", (8, 1, 8, 8), linear().alpha_bar, torch.float32),
    ):
        x0, eps = normal(generator, 2, *shape, dtype=dtype)
        T = len(table) - 1
        t = torch.cat([torch.tensor([T, 0, 1]), torch.randint(1, T, (shape[0] - 3,), generator=generator)])
        yield Case(slug, (table, x0, t, eps))


def _loss_cases(generator):
    for slug, shape, dtype in (
        ("pictures", (4, 1, 4, 4), torch.float64),
        ("colour", (5, 3, 2, 6), torch.float32),
        ("twice", (4, 2, 3, 3), torch.float64),
    ):
        eps, off = normal(generator, 2, *shape, dtype=dtype)
        copies = 2 if slug == "twice" else 1
        yield Case(slug, ((eps + 0.5 * off + 0.1).repeat(copies, 1, 1, 1), eps.repeat(copies, 1, 1, 1)))
    eps = normal(generator, 3, 1, 5, 5)
    yield Case("zeros", (0 * eps, eps))


def _pair(signal=torch.sqrt, noise=lambda a: (1 - a).sqrt(), target=lambda x0, eps, x_t: eps,
          read=lambda table, t: table[t], shape=column):  # fmt: skip
    """my_training_pair with one part exchanged."""

    def fn(alpha_bar, x0, t, eps):
        a = shape(read(alpha_bar, t), x0)
        x_t = signal(a) * x0 + noise(a) * eps
        return x_t, target(x0, eps, x_t)

    return fn


def _added(alpha_bar, x0, t, eps):
    """The right x_t, with what was added to the picture as the target."""
    a = column(alpha_bar[t], x0)
    return a.sqrt() * x0 + (1 - a).sqrt() * eps, (1 - a).sqrt() * eps


PAIR = {
    "last-axis": _pair(shape=as_given),
    "variance": _pair(noise=lambda a: 1 - a),
    "no-roots": _pair(signal=lambda a: a, noise=lambda a: 1 - a),
    "early": _pair(read=lambda table, t: table[t - 1]),
    "one-step": _pair(read=lambda table, t: table[t] / table[t - 1]),
    "first-time": _pair(read=lambda table, t: table[t[:1]].expand(len(t))),
    "unshrunk": _pair(signal=torch.ones_like),
    "target-difference": _pair(target=lambda x0, eps, x_t: x_t - x0),
    "target-picture": _pair(target=lambda x0, eps, x_t: x0),
    "target-scaled": _added,
}

LOSS = {
    "sum": lambda eps_hat, eps: (eps_hat - eps).square().sum(),
    "sum-of-pixels": lambda eps_hat, eps: (eps_hat - eps).square().flatten(1).sum(1).mean(),
    "root": lambda eps_hat, eps: (eps_hat - eps).square().mean().sqrt(),
    "mean-first": lambda eps_hat, eps: (eps_hat - eps).mean().square(),
    "half": lambda eps_hat, eps: (eps_hat - eps).square().mean() / 2,
    "absolute": lambda eps_hat, eps: (eps_hat - eps).abs().mean(),
}

EXERCISES = (
    Exercise(
        "04-training_pair",
        truth=lambda alpha_bar, x0, t, eps: (q_sample(Schedule(alpha_bar), x0, t, eps), eps),
        cases=_pair_cases,
        mistakes=PAIR,
        ours=(q_sample, loss_fn),
    ),
    Exercise(
        "04-loss",
        truth=lambda eps_hat, eps: loss_fn(lambda *_: eps_hat, linear(), eps, torch.tensor(1), eps),
        cases=_loss_cases,
        mistakes=LOSS,
        ours=(loss_fn,),
    ),
    EMBEDDING,
    FILM,
    EMA_STEP,
)
