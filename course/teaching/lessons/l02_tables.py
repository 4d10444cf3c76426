"""The mistakes that are known of the exercises 02-alpha_bar and 02-cosine, in words and as code."""

import math

import torch

from course.teaching.exercises.spec import Mistake


def _kept(table):
    """A mistake with the factors that are kept, 1 - beta (T,): `table` makes its answer of them."""
    return lambda beta: table(1 - beta)


def _led(values):
    """`values` (T,) with the entry 1 for t = 0 before them."""
    return torch.cat([values.new_ones(1), values])


ALPHA_BAR = (
    Mistake(
        "You have T entries: the clean picture at t = 0 is missing, so every t is off by one.",
        "What must alpha_bar[0] be, and how many entries has a table from 0 to T?",
        "Put a 1 before the products.",
        _kept(lambda alpha: alpha.cumprod(0)),
    ),
    Mistake(
        "You have T entries from 1 on: the last step is missing.",
        "How many entries has a table from 0 to T?",
        "Put the 1 before all T products, and leave none of them out.",
        _kept(lambda alpha: _led(alpha.cumprod(0)[:-1])),
    ),
    Mistake(
        "You are one step late: at t you used the betas up to t - 1 only.",
        "What is left after the first step, at t = 1?",
        "alpha_bar[1] is 1 - beta of the first step; a single 1 stands before it.",
        _kept(lambda alpha: _led(_led(alpha.cumprod(0)[:-1]))),
    ),
    Mistake(
        "You multiply the betas, which are what each step adds.",
        "What survives a step, if its noise has the variance beta?",
        "Multiply the parts that are kept, 1 - beta.",
        _kept(lambda alpha: _led((1 - alpha).cumprod(0))),
    ),
    Mistake(
        "You multiply over all T steps at once, so that every entry is the one at T.",
        "Which steps has a picture at t behind it?",
        "The product at t stops at t: cumprod, not prod.",
        _kept(lambda alpha: _led(alpha.prod().expand(len(alpha)))),
    ),
    Mistake(
        "You do not multiply at all: each entry knows its own step only.",
        "What is left of one after two steps that keep a half each?",
        "Entry t is the product of 1 - beta over all steps up to t: cumprod.",
        _kept(_led),
    ),
    Mistake(
        "You subtract the sum of the betas, but losses do not add.",
        "What is left after two losses of 60 %?",
        "Each step keeps 1 - beta of what it finds, so the factors 1 - beta multiply.",
        _kept(lambda alpha: _led(1 - (1 - alpha).cumsum(0))),
    ),
    Mistake(
        "You take exp of minus the sum of the betas, a good approximation where all betas are small, not the product.",
        "When is log(1 - beta) the same as -beta?",
        "Multiply the factors 1 - beta themselves, with cumprod.",
        _kept(lambda alpha: _led((alpha - 1).cumsum(0).exp())),
    ),
    Mistake(
        "You give the amplitude, the square root of alpha_bar.",
        "Which of the two enters 1 - ... in the variance of the noise?",
        "alpha_bar is the product of 1 - beta itself, without a root.",
        _kept(lambda alpha: _led(alpha.cumprod(0).sqrt())),
    ),
)


def _wish(T, s, turn=math.pi / 2, power=2):
    """f(t), (T + 1,): the squared cosine of the paper, or one with another turn or power."""
    return torch.cos((torch.arange(T + 1, dtype=torch.float64) / T + s) / (1 + s) * turn) ** power


def _betas(f, max_beta):
    return (1 - f[1:] / f[:-1]).clamp(max=max_beta)  # (T,)


def _wished(table):
    """A mistake made with the right f(t): `table` makes its answer of f and max_beta."""
    return lambda T, s=0.008, max_beta=0.999: table(_wish(T, s), max_beta)


def _other(wish):
    """A mistake made before the betas: `wish` gives another f(t) from T and s, and the rest is right."""
    return lambda T, s=0.008, max_beta=0.999: _led((1 - _betas(wish(T, s), max_beta)).cumprod(0))


COSINE = (
    Mistake(
        "You leave out the cap: the last beta is 1, and its step erases everything.",
        "How large is your last beta, and how large may it be?",
        "Calculate beta = 1 - f(t) / f(t - 1), clamp it to max_beta, and multiply the parts that are kept.",
        _wished(lambda f, cap: f / f[0]),
    ),
    Mistake(
        "You give f itself, which is not 1 at t = 0 and has no cap.",
        "What must alpha_bar[0] be, and how large is your last beta?",
        "Calculate beta = 1 - f(t) / f(t - 1), clamp it to max_beta, and multiply the parts that are kept after a 1.",
        _wished(lambda f, cap: f),
    ),
    Mistake(
        "You put a floor under alpha_bar; what is capped is beta.",
        "In the example by hand alpha_bar goes below 1 - max_beta = 0.001.",
        "Clamp the betas to max_beta, then build the table of them as in 02-alpha_bar.",
        _wished(lambda f, cap: (f / f[0]).clamp(min=1 - cap)),
    ),
    Mistake(
        "You give the betas, T of them; asked is the table alpha_bar.",
        "How does a table come from its betas?",
        "Multiply the parts that are kept, 1 - beta, after a 1, as in 02-alpha_bar.",
        _wished(_betas),
    ),
    Mistake(
        "You have T entries: the 1 for t = 0 is missing.",
        "What must alpha_bar[0] be, and how many entries has a table from 0 to T?",
        "Put a 1 before the products.",
        _wished(lambda f, cap: (1 - _betas(f, cap)).cumprod(0)),
    ),
    Mistake(
        "You forget the square: the cosine is the amplitude, and alpha_bar is its square.",
        "At which angle is alpha_bar one half: 45 or 60 degrees?",
        "f is the cosine to the power 2.",
        _other(lambda T, s: _wish(T, s, power=1)),
    ),
    Mistake(
        "You turn by pi in place of pi / 2, and alpha_bar rises again in the second half.",
        "At which angle does the squared cosine reach zero for the first time?",
        "At t = T the angle is pi / 2, a quarter turn.",
        _other(lambda T, s: _wish(T, s, turn=math.pi)),
    ),
    Mistake(
        "You leave out the offset s.",
        "Is each argument of your function used?",
        "The angle is (t / T + s) / (1 + s) times pi / 2.",
        _other(lambda T, s: _wish(T, 0)),
    ),
    Mistake(
        "You add s but do not divide by 1 + s, and the angle goes beyond 90 degrees.",
        "What is your angle at t = T?",
        "The angle is (t / T + s) / (1 + s) times pi / 2.",
        _other(lambda T, s: _wish(T, s, turn=(1 + s) * math.pi / 2)),
    ),
)
