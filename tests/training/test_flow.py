"""Flow matching: its loss against truths and areas, its times, pairs that belong together, and what reflow does."""

import math

import pytest
import torch
from helpers import Watched, coarse, normal, plane, refused, seeded
from trainings import finish, fresh

from course import NULL
from course.data import batches
from course.exact import GaussianMixture
from course.forward import KINDS, convert, level, q_sample, reframe
from course.metrics import straightness
from course.models import as_eps
from course.nets import MLP
from course.samplers import ddim, last
from course.schedules import flow, linear
from course.training import pretrained
from course.training.eps import loss_fn, spread_times, train
from course.training.flow import even_times, own_pairs, pair_batches, train_flow, velocity_loss

PICTURES = (4, 1, 8, 8)
TIMES = torch.tensor([1, 10, 500, 1000])


# The loss


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_mean_square_of_the_velocity_that_is_missed(kind):
    x0, eps = normal(*PICTURES), normal(*PICTURES, seed=1)
    x_t = q_sample(linear(), x0, TIMES, eps)

    def printing(guess):
        return as_eps(lambda x, t, cond: convert(linear(), x_t, TIMES, guess, "velocity", kind), linear(), kind)

    assert velocity_loss(printing(eps - x0), linear(), x0, TIMES, eps) < 1e-18
    off = velocity_loss(printing(eps - x0 + 3), linear(), x0, TIMES, eps)
    assert off.item() == pytest.approx(9, rel=1e-9)


def test_it_is_the_eps_loss_times_1_plus_sigma_squared():
    """At sigma 3 an error of eps counts sixteen times."""
    schedule, x0, eps = linear(), normal(*PICTURES), normal(*PICTURES, seed=1)
    t = schedule.t_at_sigma(3.0).expand(4)
    off = 0.1 * normal(*PICTURES, seed=2)
    found = velocity_loss(lambda x, t, cond: eps + off, schedule, x0, t, eps)
    assert found.item() == pytest.approx(16 * off.square().mean().item(), rel=1e-9)


def test_the_condition_and_the_times_reach_the_network():
    asked, cond = [], torch.arange(4)
    velocity_loss(lambda *given: asked.extend(given) or given[0], linear(), normal(*PICTURES), TIMES, normal(*PICTURES),
                  cond)  # fmt: skip
    assert asked[1].equal(TIMES)
    assert asked[2] is cond


def test_the_exact_velocity_is_the_best():
    schedule, mixture, n = linear(), plane(), 20_000
    x0, eps = mixture.sample(n, seeded(1)), normal(n, 2, seed=2)
    t = even_times(n, schedule, generator=seeded(3))
    s = level(schedule.sigma(t), "sigma", "s")

    def exact(x, t, cond):
        z = reframe(x, schedule.sigma(t), "x", "z")
        return mixture.velocity(z, s)

    best = velocity_loss(as_eps(exact, schedule, "velocity"), schedule, x0, t, eps)
    for other in (lambda x, t, cond: exact(x, t, cond) * 1.05, lambda x, t, cond: exact(x, t, cond) + 0.1):
        assert velocity_loss(as_eps(other, schedule, "velocity"), schedule, x0, t, eps) > best + 0.001


def test_the_loss_at_even_s_is_the_area_under_the_eps_error_over_sigma():
    """One Gaussian N(0, 1): the error of eps is 1 / (1 + sigma^2), so the area is arctan(sigma_T), over s_T."""
    schedule, n = linear(), 200_000
    truth = GaussianMixture(torch.zeros(1, 1).double(), 1.0)
    x0, eps, top = normal(n, 1), normal(n, 1, seed=1), schedule.sigma(1000)
    t = even_times(n, schedule, generator=seeded(2))
    found = velocity_loss(truth.eps_model(schedule), schedule, x0, t, eps).item()
    assert found == pytest.approx((top.arctan() / (top / (1 + top))).item(), rel=0.01)


# Times


@pytest.mark.parametrize("schedule", [linear(), coarse(), flow(50)], ids=repr)
def test_times_are_even_in_s_and_shuffled(schedule):
    t = even_times(1000, schedule, generator=seeded(1))
    assert (t.dtype, t.shape) == (torch.float64, (1000,))
    assert 0 < t.min() < t.max() <= schedule.T
    s = level(schedule.sigma(t), "sigma", "s")
    top = level(schedule.sigma(schedule.T), "sigma", "s")
    torch.testing.assert_close(s.sort().values.diff(), (top / 1000).expand(999), rtol=1e-4, atol=1e-7)
    assert not t.equal(t.sort().values)
    assert even_times(1000, schedule, generator=seeded(1)).equal(t)
    firsts = torch.stack([even_times(3, schedule, generator=seeded(k))[0] for k in range(2000)])
    share = level(schedule.sigma(firsts), "sigma", "s") / top  # each by itself is uniform
    assert share.mean().item() == pytest.approx(0.5, abs=4 * (1 / 12 / 2000) ** 0.5)


# Pairs


def test_pairs_of_a_model_lie_at_the_ends_of_its_own_paths():
    schedule, model, shape = linear(), as_eps(fresh().requires_grad_(False), linear(), "v"), (1, 8, 8)
    torch.nn.init.normal_(model.net.out.weight, std=0.1)
    x0, eps = own_pairs(model, schedule, shape, 7, calls=6, generator=seeded(3))
    x_T = torch.randn(7, *shape, generator=seeded(3))
    assert x0.equal(last(ddim(model, schedule, x_T, schedule.flow_grid(6))))
    torch.testing.assert_close(q_sample(schedule, x0, 1000, eps), x_T, rtol=1e-4, atol=1e-5)


def test_each_picture_of_a_batch_keeps_its_own_noise_and_label():
    x0, y = normal(40, 1, 2, 2), torch.arange(40) % 10
    of = pair_batches(x0, y, 5 * x0, 8, seed=1)
    seen = [of(k) for k in range(5)]
    assert all(eps.equal(5 * x) and x.shape == (8, 1, 2, 2) for x, _, eps in seen)
    rows = [int((x0 == one).flatten(1).all(1).nonzero()) for x, _, _ in seen for one in x]
    assert sorted(rows) == list(range(40))  # a round is each pair once
    assert torch.cat([labels for _, labels, _ in seen]).equal(y[rows])
    assert pair_batches(x0, None, 5 * x0, 8)(3)[1] is None
    assert of(2)[0].equal(pair_batches(x0, y, 5 * x0, 8, seed=1)(2)[0])
    assert not of(2)[0].equal(pair_batches(x0, y, 5 * x0, 8, seed=2)(2)[0])
    with refused(ValueError, "each picture needs one eps"):
        pair_batches(x0, y, x0[:5], 4)
    with refused(ValueError, "does not fit"):
        pair_batches(x0, y, x0, 41)


@pytest.mark.parametrize("teach", [train, train_flow])
def test_a_pair_that_brings_its_eps_is_asked_with_that_and_no_other(teach, monkeypatch):
    x0, eps, net = normal(20, 1, 2, 2).float(), normal(20, 1, 2, 2, seed=1).float(), Watched()
    used = []

    def noted(schedule, x0, t, eps):
        used.append((x0, eps))
        return q_sample(schedule, x0, t, eps)

    monkeypatch.setattr(f"course.training.{'eps' if teach is train else 'flow'}.q_sample", noted)
    finish(teach(net, linear(), pair_batches(x0, None, eps, 10), 4))
    for x, e in used:
        rows = [int((x0 == one).flatten(1).all(1).nonzero()) for one in x]
        assert e.equal(eps[rows])
    assert len(used) == 4
    used.clear()
    finish(teach(net, linear(), batches(x0.clamp(-1, 1), size=10), 2))
    assert not used[0][1].equal(used[1][1])  # a fresh draw each


# Learning


def test_labels_are_dropped_as_asked():
    net, y = Watched(), torch.arange(40) % 10
    x = normal(40, 1, 4, 4).float().clamp(-1, 1)
    finish(train_flow(net, linear(), batches(x, y, 20), 50, drop=1.0))
    assert all((labels == NULL).all() for labels in net.labels)


def test_a_run_goes_on_from_a_state_as_if_it_had_never_stopped():
    def started(state=None, every=1):
        net = fresh()
        return train_flow(as_eps(net, linear(), "v"), linear(), batches(X, size=8), 6, state=state, every=every)

    whole = finish(started()).state()
    walk = started()
    half = [next(walk) for _ in range(3)][-1].state()
    parts = finish(started(half)).state()
    assert [name for name in whole.keys() - {"seconds"} if not whole[name].equal(parts[name])] == []


X = normal(40, 1, 8, 8).float().clamp(-1, 1)


def test_the_draws_of_the_eps_loss_come_in_the_order_they_always_did():
    """Times, then noise: else runs of older versions would not go on as they began."""
    (progress,) = train(as_eps(fresh(), linear(), "v"), linear(), batches(X, size=16), 1)
    generator = torch.Generator().manual_seed(0)
    t = spread_times(16, 1000, generator=generator)
    eps = torch.randn(16, 1, 8, 8, generator=generator)
    x0, _ = batches(X, size=16)(0)
    assert progress.loss == pytest.approx(
        loss_fn(as_eps(fresh(), linear(), "v"), linear(), x0, t, eps).item(), rel=1e-6
    )


def ring():
    angles = torch.arange(8) * math.pi / 4
    return GaussianMixture(torch.stack([angles.cos(), angles.sin()], 1), 0.1)


def paths(model, schedule, z, n=40):
    states = [(schedule.T, z), *((step.t, step.x) for step in ddim(model, schedule, z, schedule.flow_grid(n)))]
    return torch.stack([reframe(x, schedule.sigma(t), "x", "z") for t, x in states])


@pytest.mark.slow
def test_which_partner_decides_whether_a_flow_is_straight():
    """The same points, the same loss: with its own noise the field is straight, with any noise it stays crooked."""
    schedule, mixture = linear(), ring()
    exact = mixture.eps_model(schedule)
    x_T = normal(4000, 2).float()
    x0 = last(ddim(exact, schedule, x_T, schedule.flow_grid(60)))
    eps = convert(schedule, x_T, 1000, x0, "x0", "eps")
    found = {}
    for name, partner in (("own", eps), ("any", eps[torch.randperm(len(eps), generator=seeded(1))])):
        torch.manual_seed(0)
        model = as_eps(MLP(2, 64), schedule, "velocity")
        learned = finish(train_flow(model, schedule, pair_batches(x0, None, partner, 256), 600, every=600)).ema
        path = paths(learned, schedule, normal(500, 2, seed=9).float())
        one = last(ddim(learned, schedule, normal(500, 2, seed=9).float(), schedule.flow_grid(1)))
        near = (torch.cdist(one, mixture.means).min(1).values < 0.3).float().mean()
        found[name] = straightness(path).item(), near.item()
    assert found["own"][0] < 0.05 < 1 < found["any"][0]
    assert found["own"][1] > 0.5 > 0.1 > found["any"][1]


def test_the_shipped_network_draws_in_one_call_what_its_teacher_needs_several_for():
    from course.data import load
    from course.metrics import frechet, pca

    student, schedule, card = pretrained("08-reflow")
    teacher, _, _ = pretrained("digits")
    x = load("digits")[0]
    look, x_T = pca(x, 16), torch.randn(200, 1, 8, 8, generator=seeded(5))

    def distance(model, calls):
        return frechet(look(last(ddim(model, schedule, x_T, schedule.flow_grid(calls)))), look(x))

    assert distance(student, 1) < 0.5 * distance(teacher, 2)
    crooked, straight = (straightness(paths(model, schedule, x_T[:50], 16)) for model in (teacher, student))
    assert straight < 0.15 * crooked
    assert card.recipe["reflow"] == "digits"
    assert card.metrics["after"]["1 calls"]["raw"][0] < 0.1 * card.metrics["before"]["1 calls"]["raw"][0]
