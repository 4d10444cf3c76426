"""The exercise 03-mixture_eps, the denoiser of a mixture of Gaussians: its truth, its inputs, its known mistakes."""

import torch

from course.exact import GaussianMixture
from course.schedules import Schedule
from course.teaching.exercises.spec import Case, Exercise, Mistake, coarse, normal


def _cases(generator):
    line = torch.linspace(-3, 3, 61, dtype=torch.float64)[:, None]
    when = torch.randint(4, 13, (1,), generator=generator).expand(61)
    two = torch.tensor([[-1.0], [1.0]]).double(), torch.tensor([0.1, 0.4]).double(), torch.tensor([0.3, 0.7]).double()
    yield Case("points on a line, two parts", (coarse(), line, when, *two))
    for what, B, K, D, t, away, dtype in (
        ("five dimensions, every row its own t", 6, 3, 5, [0, 1, 20, 5, 9, 14], 1, torch.float64),
        ("points far from every part", 4, 3, 2, [1, 2, 6, 11], 60, torch.float64),
        ("as many rows as parts and as dimensions", 4, 4, 4, [3, 20, 7, 12], 2, torch.float64),
        ("float32", 5, 3, 2, [20, 6, 9, 12, 16], 2, torch.float32),
    ):
        means, x_t = 0.6 * normal(generator, K, D, dtype=dtype), away * normal(generator, B, D, dtype=dtype)
        stds = torch.linspace(0.2, 1, K, dtype=dtype)
        weights = torch.rand(K, generator=generator, dtype=torch.float64) ** 2 + torch.tensor([0.05, *[0.3] * (K - 1)])
        yield Case(what, (coarse(), x_t, torch.tensor(t), means, stds, (weights / weights.sum()).to(dtype)))


def _variance(A, stds):
    return A * stds.square() + 1 - A  # (B, K)


def _shares(logs):
    return logs.softmax(1)  # (B, K)


def _mixture(shrink=torch.sqrt, v=_variance, power=lambda D: D / 2, log=torch.log, shares=_shares,
             front=lambda A: (1 - A).sqrt()):  # fmt: skip
    def fn(alpha_bar, x_t, t, means, stds, weights):
        A = alpha_bar[t][:, None]  # (B, 1)
        spread = v(A, stds)  # (B, K)
        away = x_t[:, None] - shrink(A)[..., None] * means  # (B, K, D)
        logs = log(weights) - power(x_t.shape[1]) * spread.log() - away.square().sum(2) / (2 * spread)
        return front(A) * (shares(logs)[..., None] * away / spread[..., None]).sum(1)

    return fn


MISTAKES = (
    Mistake(
        "You measure the distance to the means as they are at t = 0.",
        "Where do the parts stand once the data have been turned down?",
        "Under noise the mean of a part is sqrt(alpha_bar_t) times its own.",
        _mixture(shrink=torch.ones_like),
    ),
    Mistake(
        "You put std where std squared belongs in v.",
        "Variances add up, spreads do not.",
        "v is alpha_bar_t std^2 + 1 - alpha_bar_t.",
        _mixture(v=lambda A, stds: A * stds + 1 - A),
    ),
    Mistake(
        "You treat every part as a single point: its own width is missing from v.",
        "How wide is a part at t = 0?",
        "Its own variance, turned down by alpha_bar_t, comes on top of 1 - alpha_bar_t.",
        _mixture(v=lambda A, stds: 1 - A),
    ),
    Mistake(
        "You let t run along the parts: alpha_bar[t] is (B,) and stds is (K,).",
        "Every row has its own t, and every part its own std: which shape must v have?",
        "With alpha_bar[t][:, None], v comes out as (B, K).",
        _mixture(v=lambda A, stds: _variance(A[:, 0], stds)),
    ),
    Mistake(
        "You divide each density by sqrt(v), which is right on a line only.",
        "A Gaussian in D dimensions has a factor for each of them.",
        "The log of the density holds -D/2 log v.",
        _mixture(power=lambda D: 0.5),
    ),
    Mistake(
        "You leave the weights out of the shares r: rare parts count as much as frequent ones.",
        "Two parts are equally near: which is the likelier origin?",
        "Add log(weights) to the logarithms before the softmax.",
        _mixture(log=torch.zeros_like),
    ),
    Mistake(
        "You exponentiate before you divide: far from every part all exponentials are 0, and 0 / 0 is nan.",
        "Shares depend on differences of logarithms only.",
        "Put log w - D/2 log v - |x - a m|^2 / (2 v) into torch.softmax.",
        _mixture(shares=lambda logs: logs.exp() / logs.exp().sum(1, keepdim=True)),
    ),
    Mistake(
        "You normalise over the rows: the shares of one point must sum to one, not those of one part.",
        "Which axis of (B, K) holds the parts?",
        "Take the softmax over dimension 1.",
        _mixture(shares=lambda logs: logs.softmax(0)),
    ),
    Mistake(
        "You return the sum alone, which is the score with its sign turned.",
        "Lesson 02 gave score and eps their exchange rate.",
        "Multiply by sqrt(1 - alpha_bar_t).",
        _mixture(front=torch.ones_like),
    ),
    Mistake(
        "You multiply by 1 - alpha_bar_t, which is a variance.",
        "eps has std 1: which factor turns it into the noise in x_t?",
        "Its square root is the factor.",
        _mixture(front=lambda A: 1 - A),
    ),
)


def _draw(case, yours, truth):
    from course import viz

    lines = {"yours": yours[0][:, 0]}
    title = "The noise that is expected at each place: two parts on a line"
    return viz.curves(
        case.args[1][:, 0], lines, {"asked for": truth[0][:, 0]}, title=title, x_label="x_t", y_label="eps", legend=True
    )


MIXTURE = Exercise(
    "03-mixture_eps",
    truth=lambda alpha_bar, x_t, t, *parts: GaussianMixture(*parts).eps_model(Schedule(alpha_bar))(x_t, t),
    cases=_cases,
    mistakes=MISTAKES,
    ours=(GaussianMixture._parts, GaussianMixture.score, GaussianMixture.eps_model),
    picture=_draw,
)
