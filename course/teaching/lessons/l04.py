"""The exercises of lesson 04, training: the pair and the loss here, the network's parts in their own modules."""

import torch

from course.forward import q_sample
from course.schedules import Schedule, linear
from course.teaching.exercises.spec import Case, Exercise, Mistake, coarse, column, normal
from course.teaching.lessons.l04_average import EMA_STEP
from course.teaching.lessons.l04_network import EMBEDDING, FILM
from course.training.eps import loss_fn


def _pair_cases(generator):
    for what, shape, table, dtype in (
        ("pictures, every one its own t", (6, 1, 5, 4), coarse(), torch.float64),
        ("as many pictures as channels, rows and columns", (4, 4, 4, 4), coarse(), torch.float64),
        ("colour pictures, float32", (5, 3, 2, 3), coarse(), torch.float32),
        ("the linear schedule, float32", (8, 1, 8, 8), linear().alpha_bar, torch.float32),
    ):
        x0, eps = normal(generator, 2, *shape, dtype=dtype)
        T = len(table) - 1
        t = torch.cat([torch.tensor([T, 0, 1]), torch.randint(1, T, (shape[0] - 3,), generator=generator)])
        yield Case(what, (table, x0, t, eps))


def _loss_cases(generator):
    for what, shape, dtype in (
        ("pictures", (4, 1, 4, 4), torch.float64),
        ("colour pictures, float32", (5, 3, 2, 6), torch.float32),
        ("the same batch twice", (4, 2, 3, 3), torch.float64),
    ):
        eps, off = normal(generator, 2, *shape, dtype=dtype)
        copies = 2 if "twice" in what else 1
        yield Case(what, ((eps + 0.5 * off + 0.1).repeat(copies, 1, 1, 1), eps.repeat(copies, 1, 1, 1)))
    eps = normal(generator, 3, 1, 5, 5)
    yield Case("a guess of zeros", (0 * eps, eps))


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


PAIR = (
    Mistake(
        "You multiply pictures by alpha_bar[t] as it is, (B,), which lines up with their width, not with the batch.",
        "Print the shapes: which axis of x0 does (B,) meet?",
        "Shape it to (B, 1, 1, 1), so that each picture meets its own t.",
        _pair(shape=lambda a, x: a),
    ),
    Mistake(
        "You scale the noise by 1 - alpha_bar, which is its variance.",
        "A number is multiplied by a standard deviation.",
        "The factor before eps is the square root of 1 - alpha_bar.",
        _pair(noise=lambda a: 1 - a),
    ),
    Mistake(
        "You leave out both square roots.",
        "Add up the squares of your two factors: is it 1?",
        "The factors are sqrt(alpha_bar) and sqrt(1 - alpha_bar).",
        _pair(signal=lambda a: a, noise=lambda a: 1 - a),
    ),
    Mistake(
        "You read the table one entry too early: t = 1 gets no noise at all.",
        "What is alpha_bar[0], and which time does it belong to?",
        "The table has an entry for t = 0, so alpha_bar[t] is the one: subtract nothing.",
        _pair(read=lambda table, t: table[t - 1]),
    ),
    Mistake(
        "You make one step of the chain, from t - 1 to t, instead of the jump from x_0.",
        "x0 is clean: how many steps of noise does it have to take?",
        "alpha_bar[t] holds all the steps from 0 to t; divide it by nothing.",
        _pair(read=lambda table, t: table[t] / table[t - 1]),
    ),
    Mistake(
        "You give the whole batch the time of its first picture.",
        "t is (B,): what happens to its other entries?",
        "Index the table with the whole t, then shape the result to (B, 1, 1, 1).",
        _pair(read=lambda table, t: table[t[:1]].expand(len(t))),
    ),
    Mistake(
        "You do not turn the picture down: noise is added to x0 at full size.",
        "At t = T, can you still see the picture?",
        "x0 has a factor too: sqrt(alpha_bar).",
        _pair(signal=torch.ones_like),
    ),
    Mistake(
        "Your target is x_t - x0, the difference that noise and shrinking made.",
        "What is the std of the target at t = 1, and at t = T?",
        "The target is eps itself, of std 1 at every t.",
        _pair(target=lambda x0, eps, x_t: x_t - x0),
    ),
    Mistake(
        "Your target is x0: that trains a network which prints pictures.",
        "Which of the two is this lesson's network asked for?",
        "The target is eps itself.",
        _pair(target=lambda x0, eps, x_t: x0),
    ),
    Mistake(
        "Your target is the noise as it was added, scaled by sqrt(1 - alpha_bar): small t would count for nothing.",
        "What is the std of the target at t = 1, and at t = T?",
        "The target is eps itself, of std 1 at every t.",
        _added,
    ),
)

LOSS = (
    Mistake(
        "You return the sum over the batch and all pixels.",
        "What would the same batch twice cost?",
        "Take the mean of the squares.",
        lambda eps_hat, eps: (eps_hat - eps).square().sum(),
    ),
    Mistake(
        "You add up the pixels of a picture and take the mean over the batch only.",
        "A guess of zeros should cost about 1, whatever the size of the pictures.",
        "Take one mean over everything, batch and pixels.",
        lambda eps_hat, eps: (eps_hat - eps).square().flatten(1).sum(1).mean(),
    ),
    Mistake(
        "You take the root in the end.",
        "The squared error itself is asked for, as the derivation gave it.",
        "Leave the last sqrt away.",
        lambda eps_hat, eps: (eps_hat - eps).square().mean().sqrt(),
    ),
    Mistake(
        "You take the mean before the square: errors of both signs cancel.",
        "What does your function say of one error of 1 and one of -1?",
        "Square first, then take the mean.",
        lambda eps_hat, eps: (eps_hat - eps).mean().square(),
    ),
    Mistake(
        "You return half of the mean squared error.",
        "By hand: what does a guess of zeros for noise (1, -1, 2, 0) cost?",
        "There is no factor before the mean.",
        lambda eps_hat, eps: (eps_hat - eps).square().mean() / 2,
    ),
    Mistake(
        "You return the mean absolute error, whose best guess is the median of the noise and not its mean.",
        "By hand: what does a guess of zeros for noise (1, -1, 2, 0) cost?",
        "Square the differences, rather than dropping their signs.",
        lambda eps_hat, eps: (eps_hat - eps).abs().mean(),
    ),
)

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
