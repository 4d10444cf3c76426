"""Two exercises of lesson 04, the small parts of a network: its clock, and FiLM."""

import math

import torch

from course.nets import ResBlock, timestep_embedding
from course.teaching.exercises.spec import Case, Exercise, Mistake, normal


def _embedding_cases(generator):
    """Times up to 20: beyond, float32 loses digits of the angle, and nobody could be told right from wrong by them."""
    yield Case("the times 0 to 20", (torch.arange(21), 16))
    yield Case("fractional times", (20 * torch.rand(5, generator=generator), 8))
    yield Case("another max_period", (torch.randint(1, 21, (6,), generator=generator), 12, 100.0))
    yield Case("two frequencies", (torch.randint(1, 21, (4,), generator=generator), 4))


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
    return viz.pictures(rows, titles=("yours", "asked for"), title="One row for each time, from 0 on top to 20")


EMBEDDING = Exercise(
    "04-timestep_embedding",
    truth=timestep_embedding,
    cases=_embedding_cases,
    mistakes=(
        Mistake(
            "You give the clock t / 1000: all times come out nearly alike.",
            "How far does the fastest hand move from t = 1 to t = 2?",
            "t counts in steps: multiply it by the frequencies as it is.",
            _embedding(clock=lambda t: t / 1000),
        ),
        Mistake(
            "Your frequencies rise to max_period instead of falling to nearly 1 / max_period.",
            "Which hand of a clock should move once in a whole run?",
            "The exponent of max_period is negative: -k / (dim / 2).",
            _embedding(lambda k, half, period: period ** (k / half)),
        ),
        Mistake(
            "You divide k by dim: the slowest hand is much too fast.",
            "How many frequencies are there, and how many columns?",
            "There are dim / 2 frequencies, so the exponent is -k / (dim / 2).",
            _embedding(lambda k, half, period: period ** (-k / (2 * half))),
        ),
        Mistake(
            "You divide k by dim / 2 - 1, as some networks do: the slowest hand turns by 1 / max_period exactly.",
            "By hand: for dim 4 the second frequency is 0.01.",
            "The exponent is -k / (dim / 2), so that k / (dim / 2) never reaches 1.",
            _embedding(lambda k, half, period: period ** (-k / (half - 1))),
        ),
        Mistake(
            "You use 10,000 whatever max_period is.",
            "The third argument has a use.",
            "The base of the power is max_period.",
            _embedding(lambda k, half, period: 10000.0 ** (-k / half)),
        ),
        Mistake(
            "Your cosines come first: it would train as well, but stored weights would not fit.",
            "What must the row of t = 0 look like?",
            "t = 0 gives zeros, then ones: all sines come first.",
            _embedding(order=lambda sin, cos: torch.cat([cos, sin], 1)),
        ),
        Mistake(
            "Your sines and cosines alternate: it would train as well, but stored weights would not fit.",
            "What must the row of t = 0 look like?",
            "t = 0 gives zeros, then ones: all sines, then all cosines.",
            _embedding(order=lambda sin, cos: torch.stack([sin, cos], 2).flatten(1)),
        ),
        Mistake(
            "You count in full turns: with 2 pi t the fastest hand is back at the top at every whole t.",
            "What stands in column 0 for t = 1, 2, 3?",
            "The angle is t times the frequency, without 2 pi.",
            _embedding(clock=lambda t: 2 * math.pi * t),
        ),
        Mistake(
            "You cut t to a whole number.",
            "A sampler may ask at t = 12.5.",
            "Use t as it comes; multiplication by a float does the rest.",
            _embedding(clock=lambda t: t.long()),
        ),
    ),
    ours=(timestep_embedding,),
    picture=_draw_embedding,
)


def _film_cases(generator):
    for what, B, C, H, W, dtype in (
        ("pictures", 6, 3, 5, 4, torch.float64),
        ("as many pictures as channels, rows and columns", 4, 4, 4, 4, torch.float64),
        ("one channel, float32", 2, 1, 3, 3, torch.float32),
    ):
        yield Case(what, (normal(generator, B, C, H, W, dtype=dtype), normal(generator, B, 2 * C, dtype=dtype)))
    h = normal(generator, 3, 2, 4, 4)
    yield Case("e = 0, which changes nothing", (h, h.new_zeros(3, 4)))


def _film(bend=lambda h, scale, shift: h * (1 + scale) + shift, cut=lambda e: e.chunk(2, 1),
          spread=lambda part: part[:, :, None, None]):  # fmt: skip
    """my_film, or with one part exchanged a mistake: the first is the line of ResBlock.forward."""
    return lambda h, e: bend(h, *map(spread, cut(e)))


FILM = Exercise(
    "04-film",
    truth=_film(),
    cases=_film_cases,
    mistakes=(
        Mistake(
            "You multiply by the scale itself: with e = 0 you erase the picture.",
            "What should e = 0 do?",
            "The factor is 1 + scale.",
            _film(lambda h, scale, shift: h * scale + shift),
        ),
        Mistake(
            "You let (B, C) line up with height and width: every pixel gets its own scale, and no channel has one.",
            "Print the shapes: which axes of h do the halves of e meet?",
            "Give each half the shape (B, C, 1, 1).",
            _film(spread=lambda part: part),
        ),
        Mistake(
            "You exchange the halves: the first C columns are the scale.",
            "Set one half of e to zero, and look which of the two stays.",
            "scale is e[:, :C], shift is e[:, C:].",
            _film(cut=lambda e: e.chunk(2, 1)[::-1]),
        ),
        Mistake(
            "You shift first, so that the shift is scaled as well.",
            "What does the shift alone do to a pixel that is 0?",
            "Multiply h by 1 + scale, and add the shift last.",
            _film(lambda h, scale, shift: (h + shift) * (1 + scale)),
        ),
        Mistake(
            "You only shift: that is adding the time, not scaling by it.",
            "Where do the first C columns of e go?",
            "Multiply h by 1 + scale before you add the shift.",
            _film(lambda h, scale, shift: h + shift),
        ),
        Mistake(
            "You only scale: the shift is missing.",
            "What becomes of the last C columns of e?",
            "Add the shift in the end.",
            _film(lambda h, scale, shift: h * (1 + scale)),
        ),
        Mistake(
            "You take every other column of e for the scale.",
            "e holds two halves, one after the other.",
            "scale is e[:, :C], shift is e[:, C:].",
            _film(cut=lambda e: (e[:, 0::2], e[:, 1::2])),
        ),
    ),
    ours=(ResBlock,),
)
