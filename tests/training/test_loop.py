"""The loop: the same as written out by hand, for any loss, wrapped, in parts, left and entered again."""

import copy
import math
from itertools import islice

import pytest
import torch
import torch.nn as nn
from helpers import normal, refused, seeded
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint
from trainings import finish, fresh_tiny_sd

from course.data import batches, load
from course.models import as_eps, with_net
from course.nets import MLP, UNet
from course.scenes import random_scenes
from course.schedules import cosine, linear
from course.training import pretrained
from course.training.eps import held_out_loss, loss_fn, loss_per_t, spread_times, train
from course.training.latent import Latents, train_autoencoder, train_text_to_latent
from course.training.loop import Diverged, loop


def unet(classes=0, seed=0):
    torch.manual_seed(seed)
    return UNet(1, 8, (1, 2), num_classes=classes)


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()


def squares(net, k, generator):
    """A loss that has nothing to do with diffusion: predict the sum of squares of points that are drawn."""
    x = torch.randn(16, 3, generator=generator, dtype=torch.float64)
    return (net(x)[:, 0] - x.square().sum(1)).square().mean()


def same(a, b):
    assert a.keys() == b.keys()
    assert [name for name in a.keys() - {"seconds"} if not a[name].equal(b[name])] == []


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_it_is_the_training_written_out_by_hand_bit_by_bit(precision):
    x, y = load("digits", "train")
    schedule, batch, steps, lr = linear(), batches(x, y, 64, 5), 6, 3e-3
    ours = unet(10)
    found = finish(train(as_eps(ours, schedule, "v"), schedule, batch, steps, lr=lr, warm_up=3, decay=0.9, seed=2,
                         precision=precision)).state()  # fmt: skip
    net = unet(10)
    model, average = as_eps(net, schedule, "v"), copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    scaler = torch.amp.GradScaler("cpu", enabled=precision == torch.float16)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = (
            lr * min(1, (step + 1) / 3) * (0.02 + 0.98 * (1 + math.cos(math.pi * step / steps)) / 2)
        )
        x0, label = batch(step)
        generator = seeded(2 * 1_000_003 + step)
        t = spread_times(64, 1000, generator=generator)
        eps = torch.randn(x0.shape, generator=generator)
        label = torch.where(torch.rand(64, generator=generator) < 0.1, -1, label)
        with torch.autocast("cpu", dtype=precision, enabled=precision != torch.float32):
            loss = loss_fn(model, schedule, x0, t, eps, label)
        optimiser.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimiser)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimiser)
        scaler.update()
        with torch.no_grad():
            for mine, theirs in zip(average.parameters(), net.parameters(), strict=True):
                mine.lerp_(theirs, 1 - min(0.9, (1 + step) / (10 + step)))
    assert all(found[f"net.{name}"].equal(w) for name, w in net.state_dict().items())
    assert all(found[f"ema.{name}"].equal(w) for name, w in average.state_dict().items())
    for name, w in net.named_parameters():
        assert found[f"opt.{name}.exp_avg"].equal(optimiser.state[w]["exp_avg"])


def test_any_loss_is_learned_and_any_chance_comes_from_the_number_of_the_loss():
    first = finish(loop(small(), squares, 600, lr=5e-2))
    with torch.no_grad():
        assert squares(first.ema, 0, seeded(99)) < 0.25 * squares(small(), 0, seeded(99))
    same(first.state(), finish(loop(small(), squares, 600, lr=5e-2)).state())
    other = finish(loop(small(), squares, 400, lr=1e-2, seed=1)).state()
    assert not other["net.0.weight"].equal(first.state()["net.0.weight"])


def test_what_every_option_does():
    """One weight, one known gradient: the first step of AdamW moves it by the rate, less what decays."""

    def slope(net, k, generator):
        return 3 * net.weight.sum()

    def moved(steps=1, **options):
        net = nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(net.weight, 2.0)
        progress = finish(loop(net, slope, steps, **{"lr": 0.1, "warm_up": 0} | options))
        return net.weight.item() - 2.0, net.weight.grad.item(), progress.ema.weight.item() - 2.0

    assert moved() == pytest.approx((-0.1, 1.0, -0.09))  # clipped to 1; the average keeps a tenth at first
    assert moved(clip=math.inf)[1] == pytest.approx(3.0)
    assert moved(weight_decay=0.5)[0] == pytest.approx(-0.1 - 0.1 * 0.5 * 2)
    assert moved(warm_up=10)[0] == pytest.approx(-0.01)
    assert moved(decay=0.0)[2] == moved(decay=0.0)[0]
    assert moved(4, floor=1.0)[0] == pytest.approx(-0.4)  # one rate
    cosine = sum((1 + math.cos(math.pi * k / 4)) / 2 for k in range(4))
    assert moved(4, floor=0.0)[0] == pytest.approx(-0.1 * cosine)
    assert moved(4, betas=(0.0, 0.5))[0] == pytest.approx(moved(4)[0])  # all gradients are one


# Parts


def test_parts_are_one_large_batch():
    """Four losses of 16 a step, or one of 64 of the same points."""

    def whole(net, k, generator):
        x = torch.cat([torch.randn(16, 3, generator=seeded(4 * k + j), dtype=torch.float64) for j in range(4)])
        return (net(x)[:, 0] - x.square().sum(1)).square().mean()

    one, four = (finish(loop(small(), loss, 5, parts=parts, every=5)) for loss, parts in ((whole, 1), (squares, 4)))
    assert (one.step, four.step) == (5, 5)
    assert four.loss == pytest.approx(one.loss, rel=1e-6)
    for name, w in one.state().items():
        if name != "seconds":
            torch.testing.assert_close(four.state()[name], w, rtol=1e-9, atol=1e-12)


def test_losses_are_numbered_through_also_after_a_pause():
    asked = []

    def watched(net, k, generator):
        asked.append((k, generator.initial_seed()))
        return squares(net, k, generator)

    unbroken = loop(small(), watched, 5, parts=3, seed=2)
    state = next(islice(unbroken, 1, None)).state()
    end = finish(unbroken).state()
    assert asked == [(k, 2 * 1_000_003 + k) for k in range(15)]
    same(finish(loop(small(1), watched, 5, parts=3, seed=2, state=state)).state(), end)
    assert [k for k, _ in asked[15:]] == list(range(6, 15))


@pytest.mark.parametrize("parts", [0, -1])
def test_a_step_without_a_loss_is_refused(parts):
    with refused(ValueError, f"parts cannot be {parts}"):
        next(loop(small(), squares, 3, parts=parts))


# Wrapped


def checkpointed(net):
    """Activations are computed again on the way back, and not kept."""
    return lambda *given: checkpoint(net, *given, use_reentrant=False)


@pytest.mark.parametrize("wrap", [checkpointed, lambda net: torch.compile(net, backend="eager")])
def test_a_wrapped_network_learns_the_same(wrap):
    x, y = load("digits", "train")
    ends = []
    for given in (None, wrap):
        net = unet(10)
        model = as_eps(net, linear(), "v")
        ends.append(finish(train(model, linear(), batches(x, y, 16), 3, wrap=given, every=3)))
        assert ends[-1].ema.net is not net
        assert isinstance(ends[-1].ema.net, UNet)  # what is averaged and stored is the network itself
    same(ends[1].state(), ends[0].state())


def test_what_wrap_returns_is_what_the_loss_asks():
    seen = []

    def wrap(net):
        return lambda x: seen.append(len(x)) or net(x)

    finish(loop(small(), squares, 3, wrap=wrap, parts=2))
    assert seen == [16] * 6


def test_a_network_in_several_processes_learns_the_same(tmp_path):
    """DistributedDataParallel, here in a group of one."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1)
    try:
        end = finish(loop(small(), squares, 4, wrap=DistributedDataParallel, parts=2))
    finally:
        torch.distributed.destroy_process_group()
    same(end.state(), finish(loop(small(), squares, 4, parts=2)).state())


# States and batches


def test_a_state_that_is_asked_for_too_late_raises():
    running = loop(small(), squares, 3)
    first = next(running)
    kept = first.state()
    assert first.state()["step"] == 1  # any number of times before the next step
    second = next(running)
    with refused(RuntimeError, "the state of step 1 is gone: ask for it before the next step begins"):
        first.state()
    assert second.state()["step"] == 2
    last = finish(running)
    assert next(running, None) is None
    assert last.state()["step"] == 3  # nothing comes after the last step
    assert kept["step"] == 1


def test_a_state_is_not_taken_in_the_middle_of_a_step():
    reports = []

    def curious(net, k, generator):
        if reports:
            reports[-1].state()
        return squares(net, k, generator)

    with refused(RuntimeError, "the state of step 1 is gone"):
        reports.extend(report for report in loop(small(), curious, 3) if not reports.append(report))


def test_a_weight_that_no_gradient_has_reached_yet_is_no_hindrance():
    class Later(nn.Module):
        """Its second weight is used from the third loss on."""

        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))

    def loss(net, k, generator):
        return (net.one + (net.two if k >= 2 else 0) - torch.rand(1, generator=generator)).square().sum()

    unbroken = loop(Later(), loss, 5)
    state = next(unbroken).state()
    assert [name for name in state if name.startswith("opt.two")] == []
    same(finish(loop(Later(), loss, 5, state=state)).state(), finish(unbroken).state())


def frozen_trainings():
    """Every trainer of the package, around a network none of whose weights can be trained."""
    x, y = load("digits", "train")
    yield loop(small().requires_grad_(False), squares, 3)
    yield loop(nn.Identity(), squares, 3)
    yield train(pretrained("digits")[0], linear(), batches(x, y, 64), 3)
    yield train(unet().requires_grad_(False), linear(), batches(x, None, 64), 3)
    yield train(
        as_eps(MLP(2, 8).requires_grad_(False), linear(), "x0"), linear(), batches(normal(9, 2).float(), size=4), 3
    )
    pipe = fresh_tiny_sd()
    for part in (pipe.vae, pipe.unet, pipe.text_encoder):
        part.requires_grad_(False)
    yield from_now(lambda: train_autoencoder(pipe.vae, 3))
    latents = Latents(
        normal(2, 4, 8, 8).float(), normal(2, 4, 8, 8).float().abs(), random_scenes(2, generator=seeded())
    )
    yield from_now(lambda: train_text_to_latent(pipe, latents, 3, batch=2))


def from_now(start):
    """A training that is begun when it is first asked."""
    yield from start()


def test_a_network_with_nothing_to_train_is_refused():
    refusals = 0
    for training in frozen_trainings():
        with refused(ValueError, r"no weight of this network can be trained; call net.requires_grad_\(True\)"):
            next(training)
        refusals += 1
    assert refusals == 7


def test_what_is_not_frozen_is_trained():
    x, y = load("digits", "train")
    model, schedule, _ = pretrained("digits")
    model.net.out.requires_grad_(True)
    before = {name: weight.clone() for name, weight in model.net.state_dict().items()}
    end = finish(train(model, schedule, batches(x, y, 64), 3))
    for net in (model.net, end.ema.net):
        moved = {name for name, weight in net.state_dict().items() if not weight.equal(before[name])}
        assert moved == {"out.weight", "out.bias"}


def test_the_average_converts_by_the_schedule_that_it_was_trained_on():
    x, _ = load("digits", "train")
    end = finish(train(as_eps(unet(), cosine(), "v"), linear(), batches(x, size=8), 1))
    assert end.ema.schedule.alpha_bar.equal(linear().alpha_bar)


def test_what_prints_x0_may_learn_numbers_of_any_size():
    points = 5 * normal(64, 2).float()
    model = as_eps(MLP(2, 8), linear(), "x0")
    assert finish(train(model, linear(), batches(points, size=32), 3)).loss > 4
    with refused(Diverged, "near step 1"):
        next(train(model, linear(), batches(points, size=32), 3, dead=4.0))


def pairs(n=100):
    x, _ = load("digits", "train")
    batch = batches(x, size=16)
    return [batch(k) for k in range(n)]


def test_an_iterable_of_batches_will_do_from_the_start_but_not_from_a_state():
    x, _ = load("digits", "train")
    given = {"a function": batches(x, size=16), "a list": pairs(4), "a generator": (pair for pair in pairs(4))}
    ends = {name: finish(train(unet(), linear(), source, 4)) for name, source in given.items()}
    state = ends["a function"].state()
    for name, end in ends.items():
        same(end.state(), state)
        if name != "a function":
            with refused(ValueError, r"to go on from a state, take batches\(k\), any k"):
                next(train(unet(), linear(), pairs(9), 8, state=state))
    assert finish(train(unet(), linear(), given["a function"], 5, state=state)).step == 5


def test_batches_that_end_are_named():
    with refused(ValueError, "the batches ended after 3"):
        finish(train(unet(), linear(), pairs(3), 5))


def test_conditions_that_are_no_labels_are_not_dropped():
    x, _ = load("digits", "train")
    for cond in (torch.zeros(16, 77, dtype=torch.long), torch.zeros(16, 8), torch.zeros(16)):
        with refused(ValueError, rf"only labels \(B,\) are dropped here, not conditions .*{cond.shape[-1]}.*drop=0"):
            next(train(unet(), linear(), [(x[:16], cond)], 1))


def test_a_loss_above_the_limit_or_not_finite_is_named():
    with refused(Diverged, r"the loss is \d.* near step 1: a smaller learning rate may help"):
        next(loop(small(), squares, 3, dead=1e-3))
    with refused(Diverged, "the loss is nan near step 2"):
        finish(loop(small(), lambda net, k, generator: squares(net, k, generator) * (math.nan if k else 1), 3))
    assert finish(loop(small(), squares, 2)).loss > 1  # no limit of its own


def test_the_average_of_a_network_with_buffers_takes_them():
    net = nn.BatchNorm1d(3).double()
    end = finish(loop(net, lambda net, k, generator: net(normal(8, 3) + 5).square().sum(), 3))
    assert end.ema.running_mean.equal(net.running_mean)
    assert (net.running_mean > 0.5).all()


def test_a_network_that_prints_x0_learns_by_its_own_error():
    """Its eps loss weighs that error by snr(t), 1e4 at t = 1, so the mean over all times says little of the picture."""
    (x, _), (unseen, _) = load("digits", "train"), load("digits", "test")
    mean, late, times = {}, {}, range(200, 1001, 50)
    for kind in ("x0", "v"):
        reports = [
            (report.loss, report.ema)
            for report in train(
                as_eps(unet(), linear(), kind), linear(), batches(x, size=64), 150, lr=4e-3, decay=0.98, every=50
            )
        ]
        assert reports[-1][0] < 0.7 * reports[0][0]
        model = reports[-1][1]
        mean[kind] = held_out_loss(model, linear(), unseen, generator=seeded())[0]
        late[kind] = loss_per_t(model, linear(), unseen, times, generator=seeded()).mean().item()
    print(f"held-out eps loss after 150 steps: {mean}; at t from 200 on: {late}")
    assert late["x0"] < 1.5 * late["v"]
    assert mean["x0"] > 3 * mean["v"]
    with refused(Diverged, "near step"):  # the same network on its eps loss
        model = as_eps(unet(), linear(), "x0")
        finish(loop(model.net, eps_loss_of(model, batches(x, size=64)), 150, lr=4e-3, dead=4.0))


def eps_loss_of(model, batch):
    def loss(net, k, generator):
        x0, _ = batch(k)
        t, eps = spread_times(len(x0), 1000, generator=generator), torch.randn(x0.shape, generator=generator)
        return loss_fn(with_net(model, net), linear(), x0, t, eps)

    return loss
