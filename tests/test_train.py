"""Training: its loss against exact floors, its average and its times against closed forms, its pauses bit by bit."""

import math
from collections import deque
from dataclasses import fields
from itertools import count, islice

import pytest
import torch
import torch.nn as nn
from helpers import coarse, finite, gaussian, normal, refused, scans, seeded

from course import NULL
from course.data import batches, load
from course.forward import q_sample
from course.models import AsEps, as_eps
from course.nets import MLP, UNet
from course.samplers import ddim, last
from course.schedules import linear
from course.training.card import Card
from course.training.checkpoints import read, save, snapshot
from course.training.eps import held_out_loss, loss_fn, loss_per_t, spread_times, train
from course.training.loop import EMA, Diverged


def fresh(classes=0, width=8, seed=0, patch=2):
    """A U-Net for digits with the random weights of this seed."""
    torch.manual_seed(seed)
    return UNet(1, width, patch=patch, num_classes=classes)


def run(net, steps, schedule=None, labels=True, prints="v", size=16, **choices):
    """A training on forty scans: its generator of Progress."""
    schedule, y = schedule or linear(), load("digits")[1][:40] if labels else None
    pictures = batches(scans(40, torch.float32), y, size=size)
    return train(as_eps(net, schedule, prints), schedule, pictures, steps, **choices)


def finish(progress):
    """The last Progress of a training."""
    return deque(progress, maxlen=1).pop()


def weights(net):
    return [x.detach().clone() for x in net.parameters()]


class Watched(nn.Module):
    """A network that notes the times and labels it is asked about; what it prints has one weight."""

    def __init__(self):
        super().__init__()
        self.weight, self.times, self.labels = nn.Parameter(torch.zeros(1)), [], []

    def forward(self, x, t, cond=None):
        self.times.append(t)
        self.labels.append(cond)
        return self.weight * x


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
    schedule, x, y = linear(), scans(600), load("digits")[1][:600]  # more than one part of 500

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


# The average


def closed_form(path, keep):
    """What the average of the weights path (n + 1, ...) is, where step k kept keep[k] of the past: one weighted sum."""
    total = path[0] * math.prod(keep)
    for k, value in enumerate(path[1:]):
        total = total + (1 - keep[k]) * math.prod(keep[k + 1 :]) * value
    return total


@pytest.mark.parametrize(("decay", "n"), [(0.999, 40), (0.5, 40), (0.05, 12), (0.0, 3)])
def test_the_average_is_its_closed_form(decay, n):
    net = nn.Linear(3, 2).double()
    path = normal(n + 1, 2, 3)
    net.weight.data.copy_(path[0])
    ema = EMA(net, decay)
    for step in range(n):
        net.weight.data.copy_(path[step + 1])
        ema.update(net, step)
    keep = [min(decay, (1 + step) / (10 + step)) for step in range(n)]
    torch.testing.assert_close(ema.net.weight.data, closed_form(path, keep), rtol=1e-12, atol=1e-12)
    if decay <= 0.1:  # the warm-up keeps at least a tenth, so the decay is constant: a geometric sum
        powers = decay ** torch.arange(n - 1, -1, -1).double()
        geometric = decay**n * path[0] + (1 - decay) * (powers[:, None, None] * path[1:]).sum(0)
        torch.testing.assert_close(ema.net.weight.data, geometric, rtol=1e-12, atol=1e-12)


def test_the_average_is_a_copy_that_never_trains_and_takes_the_buffers():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).train()
    ema = EMA(net, 0.9)
    before = weights(net)
    net(normal(8, 2).float())
    ema.update(net, 0)
    assert all(a.equal(b) for a, b in zip(weights(net), before, strict=True))
    assert ema.net[1].running_mean.equal(net[1].running_mean)
    assert ema.net[1].num_batches_tracked == 1
    assert not ema.net.training
    assert net.training
    assert not any(weight.requires_grad for weight in ema.net.parameters())
    assert not {x.data_ptr() for x in ema.net.parameters()} & {x.data_ptr() for x in net.parameters()}


@pytest.mark.parametrize("decay", [1, 1.5, -0.1, math.nan])
def test_a_decay_that_averages_nothing_is_refused(decay):
    with refused(ValueError, r"\[0, 1\)"):
        EMA(nn.Linear(1, 1), decay)


def test_the_average_of_a_run_is_that_of_the_weights_it_went_through():
    net = fresh(10)
    path = [[x.double() for x in weights(net)]]
    for progress in run(net, 8, decay=0.4):
        path.append([x.double() for x in weights(net)])
        average = progress.ema.net
    keep = [min(0.4, (1 + step) / (10 + step)) for step in range(8)]
    for mine, *their_path in zip(average.parameters(), *path, strict=True):
        expected = closed_form(torch.stack(their_path), keep)
        torch.testing.assert_close(mine.double(), expected, rtol=1e-5, atol=1e-7)


# Learning


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


# Progress, and going on


def test_reports_come_every_so_many_steps_and_after_the_last():
    whole = list(run(fresh(), 7, labels=False))
    assert [progress.step for progress in whole] == list(range(1, 8))
    some = list(run(fresh(), 7, labels=False, every=3))
    assert [progress.step for progress in some] == [3, 6, 7]
    losses = [progress.loss for progress in whole]
    means = [sum(losses[:3]) / 3, sum(losses[3:6]) / 3, losses[6]]
    assert [progress.loss for progress in some] == pytest.approx(means, rel=1e-6)
    seconds = [progress.seconds for progress in whole]
    assert seconds[0] > 0
    assert seconds == sorted(seconds)
    assert {field.name for field in fields(whole[0])} == {"step", "loss", "ema", "seconds", "state"}


def test_training_leaves_the_global_stream_alone_and_follows_its_seed():
    net = fresh()
    before = torch.get_rng_state()
    first = finish(run(net, 2, labels=False))
    assert torch.get_rng_state().equal(before)
    torch.rand(5)
    assert finish(run(fresh(), 2, labels=False)).loss == first.loss
    assert finish(run(fresh(), 2, labels=False, seed=1)).loss != first.loss


def assert_same_state(a, b):
    assert a.keys() == b.keys()
    for name in a.keys() - {"seconds"}:
        assert a[name].dtype == b[name].dtype, name
        assert a[name].equal(b[name]), name


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_a_run_that_goes_on_from_the_disk_is_the_unbroken_run_bit_by_bit(precision, tmp_path):
    choices = {"precision": precision, "decay": 0.9}
    unbroken = run(fresh(10), 8, **choices)
    early = finish(islice(unbroken, 3))
    save(tmp_path / "a", state := early.state(), Card())
    later = finish(unbroken)
    stored, _ = read(tmp_path / "a")
    assert_same_state(stored, state)
    net = fresh(10, seed=1)  # other weights, which must not matter
    again = finish(run(net, 8, state=stored, **choices))
    assert (again.step, later.step) == (8, 8)
    assert_same_state(again.state(), later.state())
    assert again.loss == later.loss
    assert again.seconds > early.seconds
    if precision != torch.float32:
        assert again.loss != finish(run(fresh(10), 8, decay=0.9)).loss  # it did compute otherwise
    other = batches(scans(40, torch.float32), load("digits")[1][:40], size=16, seed=1)
    shifted = finish(train(as_eps(fresh(10), linear(), "v"), linear(), other, 8, state=stored, **choices))
    # other batches would have shown
    assert not shifted.state()["net.out.weight"].equal(later.state()["net.out.weight"])


def test_a_run_of_points_goes_on_too():
    x, y = load("ring")

    def points(seed=0, state=None):
        torch.manual_seed(seed)
        return train(MLP(2, 8, 8), linear(), batches(x, y, size=64), 6, state=state)

    whole = [(progress.step, progress.loss, progress.state()) for progress in points()]
    again = finish(points(4, whole[3][2]))
    assert_same_state(again.state(), whole[-1][2])
    assert again.loss == whole[-1][1]


@pytest.mark.parametrize("classes", [0, 4])
def test_the_state_of_another_network_is_refused_and_changes_nothing(classes):
    state = finish(run(fresh(10), 2)).state()
    other = fresh(classes) if classes else fresh(10, width=16)
    before = weights(other)
    for wrong in (state, {name: x for name, x in state.items() if not name.startswith("opt.")}, {}):
        with refused(ValueError, "another network|another size"):
            next(run(other, 4, state=wrong))
        assert all(a.equal(b) for a, b in zip(weights(other), before, strict=True))


def test_a_network_with_frozen_weights_goes_on_too():
    def frozen(seed):
        net = fresh(seed=seed)
        net.enter.requires_grad_(False)
        return net

    unbroken = run(frozen(0), 4, labels=False)
    state = next(islice(unbroken, 1, None)).state()
    end = finish(unbroken).state()
    assert_same_state(finish(run(frozen(1), 4, labels=False, state=state)).state(), end)


def test_float16_skips_a_step_that_overflows_and_goes_on_with_a_smaller_scale(monkeypatch):
    scaler = torch.amp.GradScaler
    monkeypatch.setattr(torch.amp, "GradScaler", lambda *a, **k: scaler(*a, init_scale=2.0**40, **k))
    net = fresh(10)
    before = weights(net)
    progress = run(net, 40, precision=torch.float16)
    first = next(progress)
    assert all(a.equal(b) for a, b in zip(weights(net), before, strict=True))  # skipped
    state = first.state()
    assert state["scale"].tolist() == [2.0**39, 0]
    done = finish(progress)
    assert done.state()["scale"][0] < 2.0**39
    assert not any(a.equal(b) for a, b in zip(weights(net), before, strict=True))
    assert done.loss < first.loss
    assert all(x.isfinite().all() for x in done.state().values())
    # a pause after a skipped step is no special case
    again = run(fresh(10, seed=1), 40, state=state, precision=torch.float16)
    assert next(again).state()["scale"].tolist() == [2.0**38, 0]


# Divergence


def test_a_learning_rate_that_blows_up_is_named_with_its_step():
    with refused(Diverged, r"the loss is .* near step \d+: a smaller learning rate"):
        finish(run(fresh(), 60, labels=False, lr=30.0, warm_up=1))


@pytest.mark.parametrize(("every", "step"), [(1, 3), (5, 5)])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_poisoned_weights_are_named_at_the_next_report(every, step, value):
    net = fresh()
    reports = []
    with refused(Diverged, rf"the loss is nan near step {step}:"):  # inf - inf, somewhere inside, is nan
        pictures = batches(scans(40, torch.float32), size=8)

        def poisoned():
            for k in count():
                if k == 2:
                    net.out.bias.data.fill_(value)
                    net.enter.weight.data.fill_(value)
                yield pictures(k)

        for progress in train(net, linear(), poisoned(), 20, every=every):
            reports.append(progress.step)
    assert reports == list(range(every, step, every))


def test_a_gradient_that_is_not_finite_is_noticed_though_the_loss_is():
    class Corner(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x, t, cond=None):
            return self.weight.abs().sqrt() * x  # 0, with a slope that is infinite

    with refused(Diverged, "a gradient is not finite near step 1: a smaller"):
        next(train(Corner(), linear(), batches(scans(40, torch.float32), size=8), 5))


def test_a_loss_that_answering_zero_would_beat_by_far_counts_as_diverged():
    net = Watched()
    net.weight.data.fill_(5.0)  # eps loss (5 - 1)^2 and more at late times
    with refused(Diverged, r"the loss is 1?\d\.?\d* near step 1"):
        next(run(net, 5, prints="eps", labels=False))


def test_a_snapshot_is_a_copy():
    net = fresh()
    optimiser = torch.optim.AdamW(net.parameters())
    state = snapshot(3, 1.5, net, EMA(net, 0.9).net, optimiser, torch.amp.GradScaler("cpu", enabled=False))
    before = {name: x.clone() for name, x in state.items()}
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(1)
    assert_same_state(state, before)
    assert (state["step"], state["seconds"]) == (3, 1.5)
