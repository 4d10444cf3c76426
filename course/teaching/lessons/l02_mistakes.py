"""The mistakes that are known of 02-q_sample, 02-three_views and 02-eps_from_v, in words and as code."""

import torch

from course.teaching.exercises.spec import Mistake, column


def _with(f):
    """A mistake made with the right alpha_bar: `f` takes it as (B, 1, ..., 1), with the pictures and eps or v."""
    return lambda alpha_bar, x, t, other: f(column(alpha_bar[t], x), x, other)


def _shapes(right, scales):
    """The two slips of shape, made with a `right` formula that is given alpha_bar as it should not be."""
    return (
        Mistake(
            "Your alpha_bar[t], (B,), meets the last axis: each column got a t of its own, where it ran at all.",
            f"Print the shapes of alpha_bar[t] and of {scales}; torch lines them up from the right.",
            "Give alpha_bar[t] the shape (B, 1, ..., 1), with as many dimensions as the pictures have.",
            lambda alpha_bar, x, t, other: right(alpha_bar[t], x, other),
        ),
        Mistake(
            "You give alpha_bar[t] four dimensions, which fits pictures (B, C, H, W) only.",
            "What comes out for points (B, 2)?",
            "Count the dimensions of the pictures: reshape(-1, *[1] * (x.ndim - 1)), with your name for x.",
            lambda alpha_bar, x, t, other: right(alpha_bar[t].reshape(-1, 1, 1, 1), x, other),
        ),
    )


def _jump(a, x0, eps):
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


def _one_step(alpha_bar, x0, t, eps):
    return _jump(column(alpha_bar[t] / alpha_bar[t - 1], x0), x0, eps)


Q_SAMPLE = (
    Mistake(
        "You scale the noise by 1 - alpha_bar, which is its variance.",
        "A number is multiplied by a standard deviation.",
        "The factor before eps is the square root of 1 - alpha_bar.",
        _with(lambda a, x0, eps: a.sqrt() * x0 + (1 - a) * eps),
    ),
    Mistake(
        "You scale the picture by alpha_bar, which is its share of the power.",
        "What is the variance of your result at alpha_bar = 1/2, for data of variance one?",
        "The factor before x0 is the square root of alpha_bar.",
        _with(lambda a, x0, eps: a * x0 + (1 - a).sqrt() * eps),
    ),
    Mistake(
        "You take no root at all: the total variance falls below one on the way.",
        "What is the variance of a number times noise?",
        "Both factors are square roots, of alpha_bar and of 1 - alpha_bar.",
        _with(lambda a, x0, eps: a * x0 + (1 - a) * eps),
    ),
    Mistake(
        "You add noise to a picture that is not shrunk, and the total variance rises above one.",
        "What is left of x0 at t = T?",
        "Multiply x0 by the square root of alpha_bar.",
        _with(lambda a, x0, eps: x0 + (1 - a).sqrt() * eps),
    ),
    Mistake(
        "Your two roots have changed places: at t = 0 you return pure noise.",
        "alpha_bar is 1 at t = 0; which of the two factors should be 1 there?",
        "The root of alpha_bar belongs to x0, the root of 1 - alpha_bar to eps.",
        _with(lambda a, x0, eps: _jump(1 - a, x0, eps)),
    ),
    Mistake(
        "You read the table one step early, at t - 1.",
        "Entry 0 is the clean picture here; where does t = 1 stand?",
        "The entry that belongs to time t is alpha_bar[t].",
        lambda alpha_bar, x0, t, eps: _jump(column(alpha_bar[t - 1], x0), x0, eps),
    ),
    Mistake(
        "You take a single small step from x0, alpha_bar[t] / alpha_bar[t - 1], in place of t of them.",
        "Which steps lie between x0 and x_t?",
        "alpha_bar[t] holds all steps up to t; do not divide it by the one before.",
        _one_step,
    ),
    *_shapes(_jump, "x0"),
)


def _three(a, x_t, eps, x0=None, v=None, score=None):
    """x0, v and score from eps; each may be given otherwise, and v is made with the x0 that there is."""
    x0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt() if x0 is None else x0
    v = a.sqrt() * eps - (1 - a).sqrt() * x0 if v is None else v
    return torch.stack([x0, v, -eps / (1 - a).sqrt() if score is None else score])


THREE_VIEWS = (
    Mistake(
        "You take off the noise for x0 but do not divide by the amplitude, so x0 comes out too faint.",
        "What is left of x_t, if the noise is taken off?",
        "Solve the jump for x0: divide by the square root of alpha_bar.",
        _with(lambda a, x_t, eps: _three(a, x_t, eps, x0=x_t - (1 - a).sqrt() * eps)),
    ),
    Mistake(
        "For x0 you subtract eps as it is.",
        "How much of eps is in x_t?",
        "Solve the jump for x0: (x_t - sqrt(1 - alpha_bar) eps) / sqrt(alpha_bar).",
        _with(lambda a, x_t, eps: _three(a, x_t, eps, x0=x_t - eps)),
    ),
    Mistake(
        "You leave out the roots when you solve for x0.",
        "Insert the jump in your line: does x0 come out?",
        "Solve the jump for x0: (x_t - sqrt(1 - alpha_bar) eps) / sqrt(alpha_bar).",
        _with(lambda a, x_t, eps: _three(a, x_t, eps, x0=(x_t - (1 - a) * eps) / a)),
    ),
    Mistake(
        "Your v has the wrong sign.",
        "Into which direction does x_t move as the angle grows: to the noise, or to the picture?",
        "v is cos eps - sin x0, with the plus at eps.",
        _with(lambda a, x_t, eps: -_three(a, x_t, eps) * torch.tensor([-1, 1, -1]).reshape(-1, *[1] * x_t.ndim)),
    ),
    Mistake(
        "The second part of your v is x_t; it should be the clean picture.",
        "Look at line 2 of the table: whose factor is the sine?",
        "v is cos eps - sin x0, with the x0 that you have found.",
        _with(lambda a, x_t, eps: _three(a, x_t, eps, v=a.sqrt() * eps - (1 - a).sqrt() * x_t)),
    ),
    Mistake(
        "Your score points towards the noise.",
        "Where does the density of x_t rise: with the noise, or against it?",
        "The score is minus eps, divided by sqrt(1 - alpha_bar).",
        _with(lambda a, x_t, eps: _three(a, x_t, eps, score=eps / (1 - a).sqrt())),
    ),
    Mistake(
        "You divide the score by the variance of the noise.",
        "Line 6 of the table: what becomes of sin squared, once line 1 is inserted?",
        "The score is -eps / sqrt(1 - alpha_bar): one of the two roots cancels.",
        _with(lambda a, x_t, eps: _three(a, x_t, eps, score=-eps / (1 - a))),
    ),
    Mistake(
        "Your score is -eps: it is not divided by the std of the noise.",
        "Of what is the score the derivative, and how steep is a narrow bell?",
        "The score is -eps / sqrt(1 - alpha_bar).",
        _with(lambda a, x_t, eps: _three(a, x_t, eps, score=-eps)),
    ),
    *_shapes(_three, "x_t"),
)


def _turned(a, x_t, v):
    return (1 - a).sqrt() * x_t + a.sqrt() * v


EPS_FROM_V = (
    Mistake(
        "You found x0, the other of the two that turn back from x_t and v.",
        "Lines 3 and 4 of the table: which of them gives the noise?",
        "Line 4: eps = sin x_t + cos v.",
        _with(lambda a, x_t, v: a.sqrt() * x_t - (1 - a).sqrt() * v),
    ),
    Mistake(
        "Your two roots have changed places.",
        "At t = 0 the angle is 0; is eps there x_t, or v?",
        "The sine, sqrt(1 - alpha_bar), belongs to x_t, the cosine, sqrt(alpha_bar), to v.",
        _with(lambda a, x_t, v: _turned(1 - a, x_t, v)),
    ),
    Mistake(
        "You subtract v; it should be added.",
        "Insert lines 1 and 2 of the table in your line: does x0 cancel?",
        "Line 4: eps = sin x_t + cos v.",
        _with(lambda a, x_t, v: (1 - a).sqrt() * x_t - a.sqrt() * v),
    ),
    Mistake(
        "You leave out the roots.",
        "cos and sin have squares that add up to one; do your factors?",
        "The sine is sqrt(1 - alpha_bar), the cosine sqrt(alpha_bar).",
        _with(lambda a, x_t, v: (1 - a) * x_t + a * v),
    ),
    Mistake(
        "You treat v as the clean picture, and solve the jump for eps.",
        "What is v made of, by line 2 of the table?",
        "Line 4: eps = sin x_t + cos v, without a division.",
        _with(lambda a, x_t, v: (x_t - a.sqrt() * v) / (1 - a).sqrt()),
    ),
    Mistake(
        "You read the table one step early, at t - 1.",
        "Entry 0 is the clean picture here; where does t = 1 stand?",
        "The entry that belongs to time t is alpha_bar[t].",
        lambda alpha_bar, x_t, t, v: _turned(column(alpha_bar[t - 1], x_t), x_t, v),
    ),
    *_shapes(_turned, "x_t"),
)
