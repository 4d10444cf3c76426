"""Guidance and clipping: bit-equal to plain calls where they change nothing, and right where they do."""

import pytest
import torch
from helpers import finite, normal, refused

from course import NULL
from course.data import load
from course.exact import FiniteSet
from course.forward import as_eps, convert
from course.guidance import cfg, clip_x0
from course.metrics import nearest
from course.samplers import ddim, last
from course.schedules import cosine, linear

X, T, LABELS = normal(4, 1, 8, 8), torch.tensor([1, 200, 600, 1000]), torch.tensor([0, 1, 2, 3])


class Recorder:
    """A model whose answer depends on the label, and which keeps the conditions that it was asked with."""

    def __init__(self):
        self.asked = []

    def __call__(self, x, t, cond=None):
        self.asked.append(cond)
        shift = 0.0 if cond is None else cond.double().reshape(len(cond), -1).mean(1).reshape(-1, 1, 1, 1)
        return torch.tanh(x + shift) / 3


@pytest.mark.parametrize("cond", [LABELS, normal(4, 6)], ids=["labels", "embeddings"])
def test_scale_1_is_the_plain_conditional_model_bit_by_bit(cond):
    model = Recorder()
    assert cfg(model, 1.0)(X, T, cond).equal(Recorder()(X, T, cond))
    assert len(model.asked) == 1
    assert model.asked[0].equal(cond)


def test_scale_0_is_the_plain_unconditional_model_bit_by_bit():
    model = Recorder()
    assert cfg(model, 0)(X, T, LABELS).equal(Recorder()(X, T, torch.full((4,), NULL)))
    assert [cond.tolist() for cond in model.asked] == [[NULL] * 4]


def test_without_a_condition_nothing_is_guided():
    model = Recorder()
    assert cfg(model, 7.5)(X, T).equal(Recorder()(X, T))
    assert model.asked == [None]


@pytest.mark.parametrize("scale", [0.5, 3.0, -1.0])
def test_other_scales_go_from_the_null_answer_towards_the_conditional_one_and_beyond(scale):
    model = Recorder()
    null, with_label = Recorder()(X, T, torch.full((4,), NULL)), Recorder()(X, T, LABELS)
    torch.testing.assert_close(cfg(model, scale)(X, T, LABELS), (1 - scale) * null + scale * with_label)
    assert sorted(cond.tolist() for cond in model.asked) == [[NULL] * 4, LABELS.tolist()]
    assert model.asked[0].dtype == torch.long


def test_an_embedding_has_no_null_and_becomes_none():
    model = Recorder()
    cfg(model, 2.0)(X, T, normal(4, 6))
    assert [cond is None for cond in model.asked] == [True, False]


def test_guidance_draws_the_digit_that_is_asked_for():
    x, y = load("digits")
    parts = {k: FiniteSet(x[y == k].double()).eps_model(linear()) for k in range(3)}
    parts[NULL] = FiniteSet(x.double()).eps_model(linear())

    def model(x, t, cond):
        return torch.cat([parts[k](x[i : i + 1], t[i : i + 1]) for i, k in enumerate(cond.tolist())])

    wanted = torch.tensor([0, 1, 2] * 4)
    drawn = last(ddim(cfg(model, 2.0), linear(), normal(12, 1, 8, 8), linear().grid(20), cond=wanted))
    assert y[nearest(drawn, x)[1]].equal(wanted)


def wild(x, t, cond=None):
    """A model whose guess of x_0 lies far outside [-1, 1]."""
    return -2 * torch.ones_like(x)


@pytest.mark.parametrize("limit", [1.0, 0.3, 2.5])
def test_clip_x0_keeps_the_guess_within_its_limit(limit):
    clipped = clip_x0(wild, linear(), limit)
    plain = convert(linear(), X, T, wild(X, T), "eps", "x0")
    found = convert(linear(), X, T, clipped(X, T), "eps", "x0")
    assert plain.abs().max() > 2.5
    torch.testing.assert_close(found, plain.clamp(-limit, limit), rtol=1e-8, atol=1e-8)


def test_clip_x0_leaves_a_guess_within_the_limit_as_it_is():
    truth = finite().eps_model(linear())
    torch.testing.assert_close(clip_x0(truth, linear())(X, T), truth(X, T), rtol=1e-9, atol=1e-9)


def test_clip_x0_tames_the_first_step_of_a_cosine_grid():
    def nearly(x, t, cond=None):  # off by 2 %, as a good network is; the first of 50 steps multiplies that by 632
        return finite().eps_model(cosine())(x, t) + 0.02

    grid, x_T = cosine().grid(50), normal(16, 1, 8, 8)
    exact, plain, clipped = (
        next(iter(ddim(model, cosine(), x_T, grid))).x
        for model in (finite().eps_model(cosine()), nearly, clip_x0(nearly, cosine()))
    )
    assert (plain - exact).abs().mean().item() == pytest.approx(0.02 * 632, rel=0.01)
    assert (clipped - exact).abs().mean() < 0.1


def test_wrappers_pass_the_condition_on():
    model = Recorder()
    clip_x0(cfg(as_eps(model, linear(), "v"), 1.0), linear())(X, T, LABELS)
    assert model.asked[0].equal(LABELS)


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_a_limit_that_leaves_nothing_is_refused(limit):
    with refused(ValueError, "limit must be positive"):
        clip_x0(wild, linear(), limit)
