"""A training on its way: its average against closed forms, its reports, its pauses bit by bit, and its divergence."""

import math
from dataclasses import fields
from itertools import count, islice

import pytest
import torch
import torch.nn as nn
from helpers import Watched, normal, refused, scans
from trainings import finish, fresh, run, weights

from course.data import batches, load
from course.models import as_eps
from course.nets import MLP
from course.schedules import linear
from course.training.card import Card
from course.training.checkpoints import read, save, snapshot
from course.training.eps import train
from course.training.loop import EMA, Diverged

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
    other = batches(scans(40, torch.float32), load("digits", "all")[1][:40], size=16, seed=1)
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
