"""The exercises of lesson 02, the forward process: their truths, their inputs, and their pictures."""

import torch

from course.forward import alpha_bar_for, convert, q_sample
from course.schedules import Schedule, _from_betas, cosine, linear
from course.teaching.exercises.spec import Case, Exercise, coarse, normal
from course.teaching.lessons.l02_mistakes import EPS_FROM_V, Q_SAMPLE, THREE_VIEWS
from course.teaching.lessons.l02_tables import ALPHA_BAR, COSINE


def _alpha_bar_cases(generator):
    def random(T):
        return 0.02 + 0.5 * torch.rand(T, generator=generator, dtype=torch.float64)

    yield Case("20 large steps, in no order", (random(20),))
    yield Case("a single step", (random(1),))
    yield Case("7 steps of growing size", (random(7).sort().values,))
    yield Case("the 1,000 small steps of linear()", (linear().beta[1:],))


def _cosine_cases(generator):
    s, cap = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    yield Case("20 steps, s and max_beta left to their defaults", (20,))
    yield Case("300 steps", (300,))
    yield Case("a larger s", (15, 0.12 + 0.1 * s, 0.999))
    yield Case("a lower max_beta", (30, 0.008, 0.05 + 0.1 * cap))
    yield Case("a single step", (1,))


def _pictures(first, tables=torch.float64):
    """The cases of a function of table, pictures, times from `first` to T, and what is shaped like the pictures.

    `tables` is the dtype of the table where the pictures are float32.
    """

    def cases(generator):
        for what, shape, dtype, table in (
            ("pictures, float64", (6, 1, 5, 4), torch.float64, coarse()),
            ("as many pictures as they are wide", (4, 3, 4, 4), torch.float64, coarse()),
            ("points, float32", (7, 2), torch.float32, coarse().to(tables)),
            ("pictures, float32, a table of 1,000 steps", (5, 3, 2, 6), torch.float32, linear().alpha_bar.to(tables)),
        ):
            x, other = normal(generator, 2, *shape, dtype=dtype)
            T = len(table) - 1
            t = torch.cat([torch.tensor([first, T]), torch.randint(2, T, (shape[0] - 2,), generator=generator)])
            yield Case(what, (table, x, t, other))

    return cases


def _views(alpha_bar, x_t, t, eps):
    schedule = Schedule(alpha_bar)
    return torch.stack([convert(schedule, x_t, t, eps, "eps", kind) for kind in ("x0", "v", "score")])


def _curve(case, yours, truth):
    from course.viz import curves

    title = "Your alpha_bar should lie on the dashed line"
    return curves(range(len(truth[0])), {"yours": yours[0]}, {"right": truth[0]}, title=title, x_label="t")


def _curve_and_end(case, yours, truth):
    from course.viz import curves, panels

    fig, (left, right) = panels(2)
    t, named = torch.arange(len(truth[0])), {"x_label": "t", "truth": {"right": truth[0]}}
    curves(t, {"yours": yours[0]}, title="alpha_bar should lie on the dashed line", ax=left, **named)
    curves(t, {"yours": yours[0]}, title="and on a log axis, too", logy=True, ax=right, **named)
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
        ours=(q_sample, alpha_bar_for),
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
