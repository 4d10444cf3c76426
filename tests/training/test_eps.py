"""Training a guesser of noise: its loss against exact floors, its times, and what it learns."""

import math

import pytest
import torch
from helpers import Watched, coarse, finite, gaussian, normal, scans, seeded
from trainings import finish, fresh, run

from course import NULL
from course.data import batches, load
from course.forward import q_sample
from course.models import AsEps, as_eps
from course.nets import MLP, UNet
from course.samplers import ddim, last
from course.schedules import linear
from course.training.eps import held_out_loss, loss_fn, loss_per_t, spread_times, train

# The loss


def test_the_loss_is_the_mean_square_of_what_is_missed():
    x0, eps, t = normal(4, 1, 8, 8), normal(4, 1, 8, 8, seed=1), torch.tensor([1, 10, 500, 1000])
    assert loss_fn(lambda x, t, cond: torch.zeros_like(x), linear(), x0, t, eps) == eps.square().mean()
    assert loss_fn(lambda x, t, cond: eps, linear(), x0, t, eps) == 0
    x_t, cond, asked = q_sample(linear(), x0, t, eps), torch.arange(4), []
    loss = loss_fn(lambda *given: asked.extend(given) or given[0], linear(), x0, t, eps, cond)
    assert loss == (x_t - eps).square().mean()
    assert all(a.equal(b) for a, b in zip(asked, (x_t, t, cond), strict=True))


def test_the_loss_of_the_best_model_of_a_gaussian_is_its_formula():
    schedule, truth = coarse(), gaussian()
    away = truth.sample(500, seeded(3)) - truth.means.reshape(1, 1, 8, 8)
    x = truth.means.reshape(1, 1, 8, 8) + 0.4 * away / away.square().mean((1, 2, 3), keepdim=True).sqrt()
    alpha_bar = schedule.alpha_bar[1:]
    floor = alpha_bar * 0.4**2 / (alpha_bar * 0.4**2 + 1 - alpha_bar)  # the variance of eps once x_t is known
    per_t = loss_per_t(truth.eps_model(schedule), schedule, x, range(1, 21), generator=seeded())
    torch.testing.assert_close(per_t, floor, rtol=0.05, atol=0)
    mean, error = held_out_loss(truth.eps_model(schedule), schedule, x, repeats=8, generator=seeded(1))
    assert abs(mean - floor.mean().item()) < 4 * error
    assert error < 0.02 * mean


def test_measured_losses_are_those_of_the_loss_function_at_the_same_noise():
    schedule, x, y = linear(), scans(600), load("digits", "all")[1][:600]  # more than one part of 500

    def model(x, t, cond):
        return x * t.reshape(-1, 1, 1, 1) / 1000 + cond.reshape(-1, 1, 1, 1)

    eps = torch.randn(x.shape, generator=seeded(7), dtype=x.dtype)
    for t, loss in zip((1, 300, 1000), loss_per_t(model, schedule, x, (1, 300, 1000), y, seeded(7)), strict=True):
        torch.testing.assert_close(loss, loss_fn(model, schedule, x, torch.full((600,), t), eps, y))
    assert held_out_loss(model, schedule, x, y, generator=seeded(7)) == held_out_loss(
        model, schedule, x, y, generator=seeded(7)
    )
    generator = seeded(7)
    by_hand = []
    for _ in range(3):
        t = spread_times(600, 1000, generator=generator)
        eps = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        by_hand.append(loss_fn(model, schedule, x, t, eps, y))
    mean, error = held_out_loss(model, schedule, x, y, repeats=3, generator=seeded(7))
    assert mean == pytest.approx(torch.stack(by_hand).mean().item(), rel=1e-12)
    assert error == pytest.approx(torch.stack(by_hand).std().item() / 3**0.5, rel=1e-9)


# Times


@pytest.mark.parametrize("T", [1, 8, 20])
def test_as_many_times_as_steps_are_each_step_once(T):
    orders = [spread_times(T, T, generator=seeded(seed)) for seed in range(50)]
    for t in orders:
        assert sorted(t.tolist()) == list(range(1, T + 1))
    assert T == 1 or len({tuple(t.tolist()) for t in orders}) > 40 or T < 8  # shuffled
    assert spread_times(3 * T, T, generator=seeded()).bincount().tolist() == [0] + [3] * T


def test_each_time_alone_is_uniform_and_the_ends_are_reached():
    generator = seeded()
    drawn = torch.stack([spread_times(3, 8, generator=generator) for _ in range(4000)])  # (draws, 3)
    assert (drawn.min(), drawn.max()) == (1, 8)
    for place in drawn.T:
        counts = place.bincount(minlength=9)[1:].double()
        assert ((counts - 500) ** 2 / 500).sum() < 24.3  # chi-square, 7 degrees: 0.1 % of fair dice exceed it
    spread = drawn.sort(1).values.double().diff(dim=1)
    assert spread.min() >= 2  # a third of 8 apart, rounded down
    many = spread_times(60_000, 1000, generator=seeded(1)).bincount()
    assert len(many) == 1001
    assert (many[1:] - 60).abs().max() <= 1
    assert spread_times(5, 1000, generator=seeded(2)).equal(spread_times(5, 1000, generator=seeded(2)))


def test_training_sees_every_time_from_1_to_T():
    net = Watched()
    finish(run(net, 5, schedule=coarse(), prints="eps", size=20))
    assert len(net.times) == 5
    for t in net.times:
        assert sorted(t.tolist()) == list(range(1, 21))
    long = Watched()
    finish(run(long, 150, schedule=linear(), prints="eps", size=40, every=150, lr=1e-5))
    seen = torch.cat(long.times).bincount(minlength=1001)
    assert len(seen) == 1001
    assert seen[0] == 0
    ends = seen[[1, 1000]].double()  # 6 expected of each of 6,000
    assert (ends > 0).all()
    assert (seen[1:] > 0).double().mean() > 0.97  # all but e^-6


def test_the_asked_share_of_labels_is_dropped():
    y = torch.arange(40) % 10

    def seen(drop):
        net = Watched()
        pictures = batches(scans(40, torch.float32), y, size=40)
        finish(train(net, linear(), pictures, 100, drop=drop, every=100, lr=1e-5))
        return torch.cat(net.labels)

    assert (seen(1.0) == NULL).all()
    assert (seen(0.0) != NULL).all()
    some = seen(0.1)
    assert abs((some == NULL).double().mean() - 0.1) < 4 * (0.09 / 4000) ** 0.5
    assert some[some != NULL].unique().tolist() == list(range(10))
    net = Watched()
    finish(run(net, 2, labels=False))
    assert net.labels == [None, None]


# Learning


@pytest.mark.slow
def test_overfitting_approaches_the_exact_floor_and_never_passes_it():
    schedule, x = coarse(), scans(16, torch.float32)
    exact, many, times = finite(16, torch.float32).eps_model(schedule), x.repeat(32, 1, 1, 1), range(1, 21)

    def measured(model):
        return loss_per_t(model, schedule, many, times, generator=seeded(2))

    net, floor = fresh(width=32), measured(exact)
    start = measured(as_eps(net, schedule, "v"))
    pictures = batches(x.repeat(4, 1, 1, 1), size=64)
    run = train(as_eps(net, schedule, "v"), schedule, pictures, 200, lr=5e-3, decay=0.99, warm_up=20, every=100)
    half, whole = (measured(progress.ema) for progress in run)
    assert (whole > floor).all()
    assert (half > floor).all()
    left = [(loss - floor).mean().item() for loss in (start, half, whole)]
    assert left[2] < 0.7 * left[1] < 0.35 * left[0]
    assert ((whole / floor)[12:16] < 1.2).all()  # t = 13 to 16, where the floor itself is far from 0
    assert ((start / floor)[12:16] > 2).all()


@pytest.fixture(scope="module")
def brief():
    """A class-conditional network after 150 steps on the training scans, and the scans kept back: (model, x, y)."""
    schedule, (x, y) = linear(), load("digits", "train")
    net = fresh(10, width=24)
    pictures = batches(x, y, size=64)
    done = finish(
        train(as_eps(net, schedule, "v"), schedule, pictures, 150, lr=4e-3, decay=0.98, warm_up=20, every=150)
    )
    return done.ema, *load("digits", "test")


def test_a_short_training_beats_every_constant_on_scans_it_never_saw(brief):
    model, x, y = brief
    schedule, eps = linear(), torch.randn(x.shape, generator=seeded())
    for t in (50, 100, 200, 300, 500, 700):
        x_t = q_sample(schedule, x, t, eps)
        best = (x_t * eps).sum() / x_t.square().sum()  # the number c with the least |c x_t - eps|, in hindsight
        constant = (best * x_t - eps).square().mean()
        trained = loss_per_t(model, schedule, x, [t], y, seeded()).item()
        assert trained < 0.9 * constant < 1, t
    assert held_out_loss(model, schedule, x, y, generator=seeded())[0] < 0.3  # answering zero scores 1


def test_labels_matter(brief):
    model, x, y = brief
    for t in (300, 500):
        told, shuffled, none = (
            loss_per_t(model, linear(), x, [t], labels, seeded()).item()
            for labels in (y, y[torch.randperm(len(y), generator=seeded(1))], None)
        )
        assert told < 0.92 * none
        assert none < shuffled


def test_the_average_of_a_run_is_a_model_of_the_kind_that_went_in(brief):
    assert isinstance(brief[0], AsEps)
    x = last(ddim(brief[0], linear(), normal(4, 1, 8, 8).float(), linear().grid(5), cond=torch.arange(4)))
    assert x.isfinite().all()
    net = fresh()
    done = finish(train(net, linear(), batches(scans(40, torch.float32), size=8), 1))
    assert isinstance(done.ema, UNet)
    assert done.ema is not net


@pytest.mark.parametrize("kind", ["unet", "mlp"])
def test_gradients_reach_every_weight_once_the_silent_parts_have_opened(kind):
    torch.manual_seed(0)
    net = UNet(1, 8, (1, 2, 2), num_classes=4, blocks=2) if kind == "unet" else MLP(3, 8, num_classes=4)
    x = normal(10, 1, 8, 8).float().clamp(-1, 1) if kind == "unet" else normal(10, 3).float()
    y = torch.arange(10) % 4
    finish(train(net, linear(), batches(x, y, size=10), 2))
    net.zero_grad()
    cond = torch.where(torch.arange(10) < 2, NULL, y)
    eps = torch.randn(x.shape, generator=seeded(1))
    loss_fn(net, linear(), x, spread_times(10, 1000, generator=seeded()), eps, cond).backward()
    for name, weight in net.named_parameters():
        assert weight.grad.isfinite().all(), name
        assert (weight.grad != 0).any(), name
    assert (net.clock.labels.weight.grad != 0).any(1).all()  # one row for each label, and one for none


def test_the_learning_rate_rises_and_falls_along_a_cosine(monkeypatch):
    rates, step = [], torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self, *a, **k: rates.append(self.param_groups[0]["lr"]) or step(self, *a, **k)
    )
    finish(run(Watched(), 40, prints="eps", lr=0.1, warm_up=10))
    assert len(rates) == 40
    for k, rate in enumerate(rates):
        rise = min(1, (k + 1) / 10)
        assert rate == pytest.approx(0.1 * rise * (0.51 + 0.49 * math.cos(math.pi * k / 40)), rel=1e-9)
    assert max(rates) == rates[9]


def test_a_warm_up_of_no_steps_is_none(monkeypatch):
    net = Watched()
    before = net.weight.item()
    finish(run(net, 1, prints="eps", lr=0.01, warm_up=0))
    assert abs(net.weight.item() - before) == pytest.approx(0.01, rel=1e-3)  # the first step of Adam is the rate


def test_a_huge_gradient_moves_no_further_than_its_direction():
    x = scans(40, torch.float32)
    seen = []
    net = Watched()
    net.weight.register_hook(lambda grad: seen.append(grad.item()))
    model = as_eps(net, linear(), "eps")
    net.weight.data.fill_(1.5)
    finish(train(model, linear(), batches(x, size=40), 1))
    assert abs(seen[0]) > 1  # so it had to be clipped
    assert abs(net.weight.grad.item()) == pytest.approx(1, rel=1e-5)
