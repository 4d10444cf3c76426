"""The mistakes that are known in the exercises of lesson 03, as code: the right formula with one part exchanged.

A and B are alpha_bar at t and at s, alpha = A / B and beta = 1 - alpha, all shaped like the rows of x.
"""

import torch

from course.teaching.exercises.spec import Mistake, column


def pair(table, t, s):
    """A, B and alpha (B,) of each row."""
    return table[t], table[s], table[t] / table[s]


def one_step(table, t, s):
    """The same with the alpha of one step, whatever s is."""
    return table[t], table[s], table[t] / table[t - 1]


def early(table, t, s):
    """The same from a table that is taken to begin at t = 1."""
    return pair(table, t - 1, s - 1)


def _weights(A, B, alpha, beta):
    """The weights of x0 and of x_t, and the std, of q(x_s | x_t, x_0)."""
    std = (beta * (1 - B) / (1 - A)).sqrt()
    return B.sqrt() * beta / (1 - A), alpha.sqrt() * (1 - B) / (1 - A), std


def _posterior(weights=_weights, read=pair, shape=column):
    def fn(alpha_bar, x0, x_t, t, s):
        A, B, alpha = (shape(a, x_t) for a in read(alpha_bar, t, s))
        of_x0, of_x_t, std = weights(A, B, alpha, 1 - alpha)
        return of_x0 * x0 + of_x_t * x_t, std

    return fn


def _exchanged(*coefficients):
    of_x0, of_x_t, std = _weights(*coefficients)
    return of_x_t, of_x0, std


Q_POSTERIOR = (
    Mistake(
        "You exchange the weights of x_0 and x_t.",
        "At s = 0, which of the two must be the answer?",
        "The weight of x_0 holds beta; that of x_t holds 1 - alpha_bar_s, which is 0 at s = 0.",
        _posterior(_exchanged),
    ),
    Mistake(
        "You use the noise of one step for a jump of several.",
        "s need not be t - 1: what shrinks the signal between s and t?",
        "alpha is alpha_bar[t] / alpha_bar[s], and beta is 1 - alpha.",
        _posterior(read=one_step),
    ),
    Mistake(
        "You write alpha and alpha_bar_s in the mean where their square roots belong.",
        "A mean scales like x, a variance like x squared.",
        "In line (7) the numerators hold sqrt(alpha_bar_s) beta and sqrt(alpha) (1 - alpha_bar_s).",
        _posterior(lambda A, B, al, be: (B * be / (1 - A), al * (1 - B) / (1 - A), _weights(A, B, al, be)[2])),
    ),
    Mistake(
        "You weigh x_0 with the root of alpha_bar at t.",
        "At s = 0 the mean must be x_0 itself: is the weight 1 there?",
        "The root before x_0 is that of alpha_bar at s, the time that you step to.",
        _posterior(lambda A, B, al, be: (A.sqrt() * be / (1 - A), *_weights(A, B, al, be)[1:])),
    ),
    Mistake(
        "You return the variance.",
        "What is asked for is the spread, in the units of x.",
        "Take the square root of beta-tilde.",
        _posterior(lambda *p: (*_weights(*p)[:2], _weights(*p)[2] ** 2)),
    ),
    Mistake(
        "You return sqrt(beta), the std of the forward step, which ignores what x_0 tells.",
        "At s = 0, how unsure can you be of x_s when x_0 is known?",
        "beta is multiplied by (1 - alpha_bar_s) / (1 - alpha_bar_t) before the root is taken.",
        _posterior(lambda A, B, al, be: (*_weights(A, B, al, be)[:2], be.sqrt())),
    ),
    Mistake(
        "You read the table one entry too early.",
        "What is alpha_bar[0], and which time does it belong to?",
        "The table has an entry for t = 0, so alpha_bar[t] is the one: subtract nothing.",
        _posterior(read=early),
    ),
    Mistake(
        "You multiply pictures by alpha_bar[t] as it is, (B,), which lines up with their last axis.",
        "Print the shapes: which axis of x does (B,) meet?",
        "Reshape it to (B, 1, ..., 1), with as many dimensions as x has.",
        _posterior(shape=lambda a, x: a),
    ),
)


def _blend(A, B, beta, variance):
    tilde = beta * (1 - B) / (1 - A)
    return (tilde + variance * (beta - tilde)).sqrt()


def _step(fraction=lambda A, beta: beta / (1 - A).sqrt(), grow=lambda alpha: alpha**-0.5, std=_blend,
          noisy=lambda t, s: s > 0, read=pair, shape=column):  # fmt: skip
    def fn(alpha_bar, x_t, t, s, eps, noise, variance):
        A, B, alpha = (shape(a, x_t) for a in read(alpha_bar, t, s))
        fresh = std(A, B, 1 - alpha, variance) * column(noisy(t, s), x_t) * noise
        return grow(alpha) * (x_t - fraction(A, 1 - alpha) * eps) + fresh

    return fn


DDPM_STEP = (
    Mistake(
        "You take away the whole noise and leave the rest as it is.",
        "Section 3 did this: what was left of the cloud after one step?",
        "Only beta / sqrt(1 - alpha_bar_t) of eps goes; then divide by sqrt(alpha), and add fresh noise.",
        _step(lambda A, beta: 1, torch.ones_like, noisy=lambda t, s: s < 0),
    ),
    Mistake(
        "You do not rescale: the division by sqrt(alpha) is missing.",
        "From t to s the signal must grow.",
        "Divide what is left of x_t, the noise taken away, by sqrt(alpha) before you add the fresh noise.",
        _step(grow=torch.ones_like),
    ),
    Mistake(
        "You take away beta times eps.",
        "Which part of the noise in x_t came in between s and t?",
        "beta is the variance that came in, sqrt(1 - alpha_bar_t) the spread of all the noise in x_t: divide.",
        _step(lambda A, beta: beta),
    ),
    Mistake(
        "You take away sqrt(beta) times eps, as if eps were the noise of this step alone.",
        "eps is the direction of all the noise in x_t, and the step's own noise is only partly along it.",
        "The fraction is beta / sqrt(1 - alpha_bar_t).",
        _step(lambda A, beta: beta.sqrt()),
    ),
    Mistake(
        "You multiply the fresh noise by its variance.",
        "What is the std of 2 z, when z has std 1?",
        "Take the square root of the blended variance before you multiply.",
        _step(std=lambda *p: _blend(*p) ** 2),
    ),
    Mistake(
        "You add noise in the last step too, and it stays in the picture.",
        "Who would take this noise away again, at s = 0?",
        "In a row with s = 0 the noise has the factor 0, whatever variance is.",
        _step(noisy=lambda t, s: s >= 0),
    ),
    Mistake(
        "You leave the noise out where t = 1; a jump may land on 0 from anywhere.",
        "Which of the two times says that this step is the last?",
        "Ask for s > 0, not for t > 1.",
        _step(noisy=lambda t, s: t > 1),
    ),
    Mistake(
        "You add no fresh noise.",
        "Without it every start ends at nearly the same place, as in section 5.",
        "Add std times noise in every row with s > 0.",
        _step(noisy=lambda t, s: s < 0),
    ),
    Mistake(
        "You use beta-tilde whatever variance is.",
        "What must come out for variance = 1?",
        "The variance of the noise is beta-tilde + variance * (beta - beta-tilde).",
        _step(std=lambda A, B, beta, variance: _blend(A, B, beta, 0.0)),
    ),
    Mistake(
        "You use beta whatever variance is.",
        "What must come out for variance = 0?",
        "The variance of the noise is beta-tilde + variance * (beta - beta-tilde).",
        _step(std=lambda A, B, beta, variance: _blend(A, B, beta, 1.0)),
    ),
    Mistake(
        "You blend the two spreads; the two variances are to be blended.",
        "At variance 0 and 1 nobody can tell: what about a half?",
        "Blend beta-tilde and beta first, then take the square root.",
        _step(std=lambda A, B, beta, v: (1 - v) * _blend(A, B, beta, 0.0) + v * beta.sqrt()),
    ),
    Mistake(
        "You use the alpha of one step for a jump of several.",
        "s need not be t - 1: what shrinks the signal between s and t?",
        "alpha is alpha_bar[t] / alpha_bar[s], and beta is 1 - alpha.",
        _step(read=one_step),
    ),
    Mistake(
        "You read the table one entry too early.",
        "What is alpha_bar[0], and which time does it belong to?",
        "The table has an entry for t = 0, so alpha_bar[t] is the one: subtract nothing.",
        _step(read=early),
    ),
    Mistake(
        "You multiply pictures by alpha_bar[t] as it is, (B,), which lines up with their last axis.",
        "Print the shapes: which axis of x does (B,) meet?",
        "Reshape it to (B, 1, ..., 1), with as many dimensions as x has.",
        _step(shape=lambda a, x: a),
    ),
)
