"""The exercises of lesson 02, the forward process, as code; their words stand in the quiz file of the lesson."""

import math

import torch

from course.forward import alpha_bar_for, convert, like, q_sample
from course.schedules import Schedule, _from_betas, cosine, linear
from course.teaching.exercises.spec import Case, Exercise, coarse, column, normal


def _kept(table):
    """A mistake with the factors that are kept, 1 - beta (T,): `table` makes its answer of them."""
    return lambda beta: table(1 - beta)


def _led(values):
    """`values` (T,) with the entry 1 for t = 0 before them."""
    return torch.cat([values.new_ones(1), values])


ALPHA_BAR = {
    "no-one": _kept(lambda alpha: alpha.cumprod(0)),
    "last-missing": _kept(lambda alpha: _led(alpha.cumprod(0)[:-1])),
    "late": _kept(lambda alpha: _led(_led(alpha.cumprod(0)[:-1]))),
    "one-last": _kept(lambda alpha: torch.cat([alpha.cumprod(0), alpha.new_ones(1)])),
    "betas": _kept(lambda alpha: _led((1 - alpha).cumprod(0))),
    "whole-product": _kept(lambda alpha: _led(alpha.prod().expand(len(alpha)))),
    "no-product": _kept(_led),
    "sum": _kept(lambda alpha: _led(1 - (1 - alpha).cumsum(0))),
    "exponential": _kept(lambda alpha: _led((alpha - 1).cumsum(0).exp())),
    "amplitude": _kept(lambda alpha: _led(alpha.cumprod(0).sqrt())),
}


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


COSINE = {
    "no-cap": _wished(lambda f, cap: f / f[0]),
    "f-itself": _wished(lambda f, cap: f),
    "floor": _wished(lambda f, cap: (f / f[0]).clamp(min=1 - cap)),
    "betas": _wished(_betas),
    "no-one": _wished(lambda f, cap: (1 - _betas(f, cap)).cumprod(0)),
    "no-square": _other(lambda T, s: _wish(T, s, power=1)),
    "half-turn": _other(lambda T, s: _wish(T, s, turn=math.pi)),
    "no-offset": _other(lambda T, s: _wish(T, 0)),
    "offset-undivided": _other(lambda T, s: _wish(T, s, turn=(1 + s) * math.pi / 2)),
}


def _with(f):
    """A mistake made with the right alpha_bar: `f` takes it as (B, 1, ..., 1), with the pictures and eps or v."""
    return lambda alpha_bar, x, t, other: f(column(alpha_bar[t], x), x, other)


def _shapes(right):
    """The two slips of shape, made with a `right` formula that is given alpha_bar as it should not be."""
    return {
        "last-axis": lambda alpha_bar, x, t, other: right(alpha_bar[t], x, other),
        "four-dimensions": lambda alpha_bar, x, t, other: right(alpha_bar[t].reshape(-1, 1, 1, 1), x, other),
    }


def _jump(a, x0, eps):
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


def _one_step(alpha_bar, x0, t, eps):
    return _jump(column(alpha_bar[t] / alpha_bar[t - 1], x0), x0, eps)


Q_SAMPLE = {
    "variance": _with(lambda a, x0, eps: a.sqrt() * x0 + (1 - a) * eps),
    "power": _with(lambda a, x0, eps: a * x0 + (1 - a).sqrt() * eps),
    "no-roots": _with(lambda a, x0, eps: a * x0 + (1 - a) * eps),
    "unshrunk": _with(lambda a, x0, eps: x0 + (1 - a).sqrt() * eps),
    "exchanged": _with(lambda a, x0, eps: _jump(1 - a, x0, eps)),
    "early": lambda alpha_bar, x0, t, eps: _jump(column(alpha_bar[t - 1], x0), x0, eps),
    "one-step": _one_step,
    **_shapes(_jump),
}


def _three(a, x_t, eps, x0=None, v=None, score=None):
    """x0, v and score from eps; each may be given otherwise, and v is made with the x0 that there is."""
    x0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt() if x0 is None else x0
    v = a.sqrt() * eps - (1 - a).sqrt() * x0 if v is None else v
    return torch.stack([x0, v, -eps / (1 - a).sqrt() if score is None else score])


THREE_VIEWS = {
    "undivided": _with(lambda a, x_t, eps: _three(a, x_t, eps, x0=x_t - (1 - a).sqrt() * eps)),
    "eps-whole": _with(lambda a, x_t, eps: _three(a, x_t, eps, x0=x_t - eps)),
    "no-roots": _with(lambda a, x_t, eps: _three(a, x_t, eps, x0=(x_t - (1 - a) * eps) / a)),
    "v-sign": _with(lambda a, x_t, eps: -_three(a, x_t, eps) * torch.tensor([-1, 1, -1]).reshape(-1, *[1] * x_t.ndim)),
    "v-of-noisy": _with(lambda a, x_t, eps: _three(a, x_t, eps, v=a.sqrt() * eps - (1 - a).sqrt() * x_t)),
    "score-sign": _with(lambda a, x_t, eps: _three(a, x_t, eps, score=eps / (1 - a).sqrt())),
    "score-variance": _with(lambda a, x_t, eps: _three(a, x_t, eps, score=-eps / (1 - a))),
    "score-undivided": _with(lambda a, x_t, eps: _three(a, x_t, eps, score=-eps)),
    **_shapes(_three),
}


def _turned(a, x_t, v):
    return (1 - a).sqrt() * x_t + a.sqrt() * v


EPS_FROM_V = {
    "clean-picture": _with(lambda a, x_t, v: a.sqrt() * x_t - (1 - a).sqrt() * v),
    "exchanged": _with(lambda a, x_t, v: _turned(1 - a, x_t, v)),
    "subtracted": _with(lambda a, x_t, v: (1 - a).sqrt() * x_t - a.sqrt() * v),
    "no-roots": _with(lambda a, x_t, v: (1 - a) * x_t + a * v),
    "v-as-picture": _with(lambda a, x_t, v: (x_t - a.sqrt() * v) / (1 - a).sqrt()),
    "early": lambda alpha_bar, x_t, t, v: _turned(column(alpha_bar[t - 1], x_t), x_t, v),
    **_shapes(_turned),
}


def _alpha_bar_cases(generator):
    def random(T):
        return 0.02 + 0.5 * torch.rand(T, generator=generator, dtype=torch.float64)

    yield Case("large-steps", (random(20),))
    yield Case("single-step", (random(1),))
    yield Case("growing-steps", (random(7).sort().values,))
    yield Case("linear", (linear().beta[1:],))


def _cosine_cases(generator):
    s, cap = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    yield Case("defaults", (20,))
    yield Case("many-steps", (300,))
    yield Case("larger-s", (15, 0.12 + 0.1 * s, 0.999))
    yield Case("lower-cap", (30, 0.008, 0.05 + 0.1 * cap))
    yield Case("single-step", (1,))


def _pictures(first, tables=torch.float64):
    """The cases of a function of table, pictures, times from `first` to T, and what is shaped like the pictures.

    `tables` is the dtype of the table where the pictures are float32.
    """

    def cases(generator):
        for slug, shape, dtype, table in (
            ("pictures", (6, 1, 5, 4), torch.float64, coarse()),
            ("square", (4, 3, 4, 4), torch.float64, coarse()),
            ("points", (7, 2), torch.float32, coarse().to(tables)),
            ("long-table", (5, 3, 2, 6), torch.float32, linear().alpha_bar.to(tables)),
        ):
            x, other = normal(generator, 2, *shape, dtype=dtype)
            T = len(table) - 1
            t = torch.cat([torch.tensor([first, T]), torch.randint(2, T, (shape[0] - 2,), generator=generator)])
            yield Case(slug, (table, x, t, other))

    return cases


def _views(alpha_bar, x_t, t, eps):
    schedule = Schedule(alpha_bar)
    return torch.stack([convert(schedule, x_t, t, eps, "eps", kind) for kind in ("x0", "v", "score")])


def _curve(case, yours, truth):
    from course.viz import curves

    return curves(range(len(truth[0])), {"yours": yours[0]}, {"right": truth[0]}, x_label="t")


def _curve_and_end(case, yours, truth):
    from course.viz import curves, panels

    fig, (left, right) = panels(2)
    for ax, logy in ((left, False), (right, True)):
        curves(range(len(truth[0])), {"yours": yours[0]}, {"right": truth[0]}, logy=logy, x_label="t", ax=ax)
    return fig


EXERCISES = (
    Exercise(
        "02-alpha_bar",
        truth=lambda beta: _from_betas(beta, "").alpha_bar,
        cases=_alpha_bar_cases,
        mistakes=ALPHA_BAR,
        ours=(_from_betas,),
        picture=_curve,
    ),
    Exercise(
        "02-q_sample",
        truth=lambda alpha_bar, x0, t, eps: q_sample(Schedule(alpha_bar), x0, t, eps),
        cases=_pictures(first=0),
        mistakes=Q_SAMPLE,
        ours=(q_sample, alpha_bar_for, like),
    ),
    Exercise(
        "02-cosine",
        truth=lambda T, s=0.008, max_beta=0.999: cosine(T, s, max_beta).alpha_bar,
        cases=_cosine_cases,
        mistakes=COSINE,
        ours=(cosine, _from_betas),
        picture=_curve_and_end,
    ),
    Exercise(
        "02-three_views",
        truth=_views,
        cases=_pictures(first=1, tables=torch.float32),
        mistakes=THREE_VIEWS,
        ours=(convert,),
    ),
    Exercise(
        "02-eps_from_v",
        truth=lambda alpha_bar, x_t, t, v: convert(Schedule(alpha_bar), x_t, t, v, "v", "eps"),
        cases=_pictures(first=0, tables=torch.float32),
        mistakes=EPS_FROM_V,
        ours=(convert,),
    ),
)
