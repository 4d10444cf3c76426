"""Train what is too long for lesson 04: data/lessons/04.json, and the checkpoints 04-eps, 04-blind, 04-ema-0.9999.

    python tools/lessons/04.py             # every run that the JSON does not hold yet
    python tools/lessons/04.py base blind  # these again

Half an hour of one CPU thread, more on a busy one; MNIST must have been downloaded. The JSON is written after each run,
so that an interruption loses one run. "linear" and "floor" are baselines: no training.
"""

import base64
import copy
import json
import math
import sys
import time
from dataclasses import replace
from unittest.mock import patch

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.svm import SVC

from course.data import batches, load
from course.env import checkout, seeded, threads
from course.exact import FiniteSet
from course.files import write_whole
from course.forward import convert, q_sample
from course.metrics import COPY, frechet_interval, nearest, pca
from course.models import as_eps, net_of, with_net
from course.nets import Clock, ResBlock, UNet
from course.samplers import ddim, last
from course.schedules import linear
from course.training.card import Card
from course.training.checkpoints import load_model, save_model
from course.training.eps import held_out_loss, loss_per_t, spread_times, train
from course.training.loop import loop

TIMES = [1, 5, 10, 20, 50, 100, 200, 300, 500, 700, 1000]
OUT = checkout() / "data/lessons/04.json"
RECIPE = {"batch": 64, "lr": 2e-3, "warm_up": 50, "ema": 0.99, "steps": 1000, "seed": 0}
schedule = linear()
scans, labels = load("digits", "train")
unseen, unseen_labels = load("digits", "test")
look = pca(scans, 16)


x_T = torch.randn(500, 1, 8, 8, generator=seeded(1))


def small(seed=0, **options):
    """The quick U-Net of the lesson, fresh."""
    torch.manual_seed(seed)
    return UNet(channels=1, width=16, mults=(1, 2), **options)


def rounded(numbers, digits=4):
    """Numbers as JSON wants them, with so many significant digits."""
    return [float(f"{float(n):.{digits}g}") for n in numbers]


def packed(x):
    """Pictures (N, 1, H, W) as bytes in text; what lies beyond [-1, 1] is cut."""
    grey = ((x.clamp(-1, 1) + 1) * 127.5).round().byte()
    return {"shape": list(x.shape), "bytes": base64.b64encode(grey.numpy().tobytes()).decode()}


def judged(model, back=lambda x: x, eta=0.0):
    """Every number by which the lesson compares digits models; `back` brings samples into [-1, 1]."""
    x = last(ddim(model, schedule, x_T, schedule.grid(25), eta=eta, generator=seeded(2)))
    shown = back(x).clamp(-1, 1)
    return {
        "train": rounded([held_out_loss(model, schedule, scans, generator=seeded(0))[0]])[0],
        "held_out": rounded([held_out_loss(model, schedule, unseen, generator=seeded(0))[0]])[0],
        "per_t": rounded(loss_per_t(model, schedule, unseen, TIMES, generator=seeded(0))),
        "frechet": rounded(frechet_interval(look(shown), look(scans), generator=seeded(0))),
        "largest": rounded([back(x).abs().max()])[0],
        "nearest": rounded([nearest(shown, scans)[0].mean()])[0],
        "pictures": packed(shown[:12]),
    }


def by_train(model, steps=1000, seed=0, x=scans, y=None, lr=2e-3, decay=0.99):
    """The package's own loop: the averaged model, and what it cost; seconds are those of the CPU."""
    begun = time.process_time()
    done = list(train(model, schedule, batches(x, y, 64, seed), steps, lr=lr, decay=decay, seed=seed, every=10))
    seconds = round(time.process_time() - begun, 1)
    return done[-1].ema, {"loss": rounded(p.loss for p in done), "seconds": seconds}


def by_hand(model, steps, weight=None, spread=True, fall=True, decays=(0.99,)):
    """The same loop, its loss with switches that the package does not have. Returns the averages (the first decay is
    warmed up, the others start at the random weights), the network, and what it cost."""
    net, batch, losses = net_of(model), batches(scans, size=64), []
    cold, begun = {d: copy.deepcopy(net).requires_grad_(False) for d in decays[1:]}, time.process_time()

    def loss(net, k, generator):
        x0, _ = batch(k)
        even, free = {"generator": generator}, {"size": (64,), "generator": generator}
        t = spread_times(64, 1000, **even) if spread else torch.randint(1, 1001, **free)
        eps = torch.randn(x0.shape, generator=generator)
        error = (with_net(model, net)(q_sample(schedule, x0, t, eps), t, None) - eps).square().mean((1, 2, 3))
        losses.append(error.mean().item())
        return (error * weight(t)).mean() if weight else error.mean()

    for progress in loop(net, loss, steps, decay=decays[0], floor=0.02 if fall else 1.0):
        warm = progress.ema
        for d, shadow in cold.items():
            torch._foreach_lerp_(list(shadow.parameters()), [p.detach() for p in net.parameters()], 1 - d)
    means = torch.tensor(losses)
    cost = {"loss": rounded(means.reshape(-1, 10).mean(1)), "seconds": round(time.process_time() - begun, 1)}
    cost["scatter"] = rounded([means[-100:].std()])[0]
    return [warm, *cold.values()], net, cost


def ship(name, net, seconds, call=lambda net: net, **recipe):
    """Write a checkpoint in float16 with its card; its metrics are those of the rounded weights."""
    card = Card(
        shape=(1, 8, 8),
        data="digits train",
        recipe={**RECIPE, **recipe},
        seconds=seconds,
        device="cpu, one thread",
    )
    path, half = checkout() / f"data/checkpoints/{name}.safetensors", copy.deepcopy(net).half()
    save_model(path, half, schedule, card)
    measured = judged(call(load_model(path)[0]))
    keep = ("train", "held_out", "frechet", "largest", "nearest")
    save_model(path, half, schedule, replace(card, metrics={key: measured[key] for key in keep}))
    return measured


class Blind(nn.Module):
    """A network that is asked at t = 1, whatever the time is."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, t, cond=None):
        return self.net(x, torch.ones_like(t), cond)


class Dial(Clock):
    """The time as one number, t divided by `unit`, where the sines and cosines were."""

    def __init__(self, width, unit):
        super().__init__(width)
        self.unit, self.mlp[0] = unit, nn.Linear(1, 4 * width)

    def forward(self, t, cond=None):
        return self.mlp(t.float()[:, None] / self.unit)


class Adds(ResBlock):
    """A block that adds the time instead of scaling and shifting by it."""

    def __init__(self, c_in, c_out, told):
        super().__init__(c_in, c_out, told)
        self.film = nn.Linear(told, c_out)

    def forward(self, x, told):
        h = self.conv1(F.silu(self.norm1(x))) + self.film(told)[:, :, None, None]
        return self.short(x) + self.conv2(F.silu(self.norm2(h)))


def base():
    ema, cost = by_train(small())
    return cost | ship("04-eps", ema, cost["seconds"])


def blind():
    ema, cost = by_train(Blind(small()))
    return cost | ship("04-blind", ema.net, cost["seconds"], Blind, asked_always_at=1)


class Thousandths(nn.Module):
    """A network whose sines and cosines are those of t / 1000, in training and in sampling."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, t, cond=None):
        return self.net(x, t / 1000, cond)


def simple(make, steps=1000, seed=0):
    """A run that differs from the first in its network or seed alone."""

    def run():
        ema, cost = by_train(make(), steps, seed)
        return cost | judged(ema)

    return run


def dial(unit):
    net = small()
    net.clock = Dial(16, unit)
    return net


def adding():
    with patch("course.nets.unet.ResBlock", Adds):
        return small()


def no_skips():
    net = small()
    for blocks in net.up:
        for block in blocks:  # the second half of its channels came over the skip

            def forget(_, args):
                h, skip = args[0].chunk(2, 1)
                return torch.cat([h, torch.zeros_like(skip)], 1), args[1]

            block.register_forward_pre_hook(forget)
    return net


def no_attention():
    net = small()
    net.middle[1] = nn.Identity()
    return net


def one_level():
    net = small()
    net.smaller[0].stride = (1, 1)
    return net


def snr(t):
    return schedule.snr(t).float()


def special(steps, kind="eps", **switches):
    """A run with one switch of `by_hand`, printing `kind`."""

    def run():
        model = small() if kind == "eps" else as_eps(small(), schedule, kind)
        (ema,), _, cost = by_hand(model, steps, **switches)
        return cost | judged(with_net(model, ema))

    return run


def shadows():
    net, found = small(), {}
    nets, raw, cost = by_hand(net, 1000, fall=False, decays=(0.9999, 0.9, 0.99, 0.999, 0.9999))
    ship("04-ema-0.9999", nets[-1], cost["seconds"], ema=0.9999, ema_warm_up=False, lr_falls=False)
    names = ("0.9999, warmed up", "0.9", "0.99", "0.999", "0.9999")
    for name, shadow in (("raw", raw), *zip(names, nets, strict=True)):
        found[name] = judged(shadow.eval())
    return cost | {"shadows": found}


def museum_loop(x, steps=300, lr=2e-3, seed=None, sign=1, latest=1000):
    """The plain loop of the lesson, with what can be broken as arguments: the network and its losses. It knows one
    rate, clips nothing, and keeps no average."""
    net = small()

    def loss(net, k, generator):
        generator = seeded(k if seed is None else seed)
        x0 = x[torch.randint(len(x), (64,), generator=generator)]
        t = torch.randint(1, latest + 1, (64,), generator=generator)
        eps = torch.randn(x0.shape, generator=generator)
        return (net(q_sample(schedule, x0, t, eps), t) - sign * eps).square().mean()

    plain = {"betas": (0.9, 0.999), "weight_decay": 0.01, "warm_up": 0, "floor": 1.0, "clip": math.inf, "decay": 0.0}
    return net, [progress.loss for progress in loop(net, loss, steps, lr=lr, **plain)]


def exhibit(x=scans, back=lambda x: x, **broken):
    """One run of the museum; drawn with dice, which forgive so short a training."""

    def run():
        net, losses = museum_loop(x, **broken)
        return {"loss": rounded(torch.tensor(losses).reshape(-1, 10).mean(1))} | judged(net, back, 1.0)

    return run


def told_labels(y):
    """The loss with label over the loss without, at the times of the lesson."""

    def run():
        model = as_eps(small(num_classes=10), schedule, "v")
        ema, cost = by_train(model, 400, y=y, lr=3e-3)
        both = [loss_per_t(ema, schedule, unseen, TIMES, cond, generator=seeded(0)) for cond in (unseen_labels, None)]
        return cost | {"with": rounded(both[0]), "without": rounded(both[1])}

    return run


def gaussian_guess(x):
    """The best eps of one Gaussian with the mean and covariance of x."""
    flat = x.flatten(1).double()
    mean, (values, axes) = flat.mean(0), torch.linalg.eigh(torch.cov(flat.T))
    values = values.clamp(min=0)

    def eps(x, t, cond=None):
        a = schedule.at(t, 2)
        along = (x.flatten(1).double() - a.sqrt() * mean) @ axes
        return ((along * (1 - a).sqrt() / (a * values + 1 - a)) @ axes.T).to(x).view_as(x)

    return eps


def mnist():
    x, _ = load("mnist", "train")
    held, noise = load("mnist", "test")[0][:500], torch.randn(500, 1, 28, 28, generator=seeded(1))
    seen = pca(x[:6000], 32)

    def facts(model):
        drawn = last(ddim(model, schedule, noise, schedule.grid(25))).clamp(-1, 1)
        return {
            "held_out": rounded([held_out_loss(model, schedule, held, generator=seeded(0))[0]])[0],
            "per_t": rounded(loss_per_t(model, schedule, held, TIMES, generator=seeded(0))),
            "frechet": rounded(frechet_interval(seen(drawn), seen(x[:6000]), generator=seeded(0))),
            "pictures": packed(drawn[:10]),
        }

    found = {"floor": rounded(frechet_interval(seen(held), seen(x[:6000]), generator=seeded(0)))}
    found["linear"] = facts(gaussian_guess(x[:20_000]))
    for kind in ("eps", "v"):
        torch.manual_seed(0)
        net = UNet(channels=1, width=32, mults=(1, 2), patch=4)
        model = net if kind == "eps" else as_eps(net, schedule, kind)
        ema, cost = by_train(model, 1800, x=x, decay=0.995)
        found[kind] = cost | facts(ema)
    return found


def sixteen():
    """Sixteen scans and nothing else: how near the loss comes to the exact floor, and what is drawn."""
    few = scans[:16]
    ema, cost = by_train(small(), 1000, x=few.repeat(4, 1, 1, 1), lr=4e-3)
    x = last(ddim(ema, schedule, x_T[:200], schedule.grid(25))).clamp(-1, 1)
    far, which = nearest(x, few)
    exact = FiniteSet(few).eps_model(schedule)
    found = {
        "floor": held_out_loss(exact, schedule, few.repeat(64, 1, 1, 1), generator=seeded(0))[0],
        "own": held_out_loss(ema, schedule, few.repeat(16, 1, 1, 1), generator=seeded(0))[0],
        "held_out": held_out_loss(ema, schedule, unseen, generator=seeded(0))[0],
        "median": far.median(),
    }
    found = {name: rounded([value])[0] for name, value in found.items()}
    whole = {"copies": (far < COPY).sum().item(), "appear": which.unique().numel()}
    return cost | found | whole | {"pictures": packed(x[:8]), "which": which[:8].tolist()}


def surgery():
    """Blind above a time, with its time input from there down: distances of 2,000 samples, for three pairs of networks
    that differ in the seed. Each row is blind all the way, then 300, 500, 900, then never blind."""
    noise, rows = torch.randn(2000, 1, 8, 8, generator=seeded(1)), []
    place = checkout() / "data/checkpoints"
    first = [load_model(place / f"04-{name}.safetensors")[0] for name in ("eps", "blind")]
    for seed in (0, 1, 2):
        timed = by_train(small(seed), 1000, seed)[0] if seed else first[0]
        without = by_train(Blind(small(seed)), 1000, seed)[0] if seed else Blind(first[1])
        row = []
        for at in (0, 300, 500, 900, 1000):

            def cut(x, t, cond=None, at=at, without=without, timed=timed):
                return (without if t[0] > at else timed)(x, t, cond)

            x = last(ddim(cut, schedule, noise, schedule.grid(25))).clamp(-1, 1)
            row.append(rounded(frechet_interval(look(x), look(scans), generator=seeded(0))))
        rows.append(row)
    return {"at": [0, 300, 500, 900, 1000], "pairs": rows}


def window_model(data, size):
    """Lesson 03, section 7: the exact eps of each pixel given the window around it; data (N, 1, 8, 8)."""

    def windows(x):
        return F.unfold(F.pad(x, [size // 2] * 4), size).permute(2, 0, 1).contiguous()  # (64 pixels, B, size * size)

    theirs, middle = windows(data), data.flatten(1).T[:, :, None].contiguous()
    square = theirs.square().sum(2)[:, None]

    def model(x, t, cond=None):
        a = schedule.at(t, x.ndim).flatten()[0].to(x)
        r = ((a.sqrt() * windows(x) @ theirs.transpose(1, 2) - a * square / 2) / (1 - a)).softmax(2)
        return convert(schedule, x, t, (r @ middle)[..., 0].T.reshape(x.shape), "x0", "eps")

    return model


def clearness_of(train, y):
    """The judge of lesson 03: a function of pictures that says by how much their winning class beats the next."""
    judge, pairs = SVC(decision_function_shape="ovo").fit(train.flatten(1), y), torch.combinations(torch.arange(10))

    def clearness(x):
        duels = torch.from_numpy(judge.decision_function(x.clamp(-1, 1).flatten(1)))  # (B, 45)
        worst = []
        for c in range(10):
            won = (pairs == c).any(1)
            worst.append((duels[:, won] * torch.where(pairs[won, 0] == c, 1, -1)).min(1).values)
        return torch.stack(worst).max(0).values

    return clearness


def without_labels():
    """What draws digits without labels, by three judges: the windows of lesson 03 from three starting noises, and the
    network behind `digits` (width, steps, rate, average) trained without a label, with two seeds."""
    clearness, found = clearness_of(scans, labels), {"windows": [], "network": []}
    bar = clearness(unseen).quantile(0.1)

    def facts(model, noise, seed):
        x = last(ddim(model, schedule, noise, schedule.grid(25), generator=seeded(seed)))
        far, _ = nearest(x.clamp(-1, 1), scans)
        return {
            "passes": rounded([(clearness(x) > bar).float().mean()])[0],
            "nearest": rounded([far.mean()])[0],
            "copies": (far < COPY).sum().item(),
            "frechet": rounded(frechet_interval(look(x.clamp(-1, 1)), look(scans), generator=seeded(0))),
            "pictures": packed(x[:12]),
        }

    for seed in (0, 1, 2):
        noise = torch.randn(500, 1, 8, 8, generator=seeded(1 + seed))
        found["windows"].append(facts(window_model(scans, 5), noise, seed))
        if seed == 2:
            break
        torch.manual_seed(seed)
        model = as_eps(UNet(channels=1, width=24, mults=(1, 2)), schedule, "v")
        ema, cost = by_train(model, 3000, seed, lr=3e-3, decay=0.995)
        held = rounded([held_out_loss(ema, schedule, unseen, generator=seeded(0))[0]])[0]
        found["network"].append(facts(ema, noise, seed) | {"held_out": held, "seconds": cost["seconds"]})
    return found


shuffled = labels[torch.randperm(len(labels), generator=seeded(9))]
RUNS = {
    "base": base,
    "blind": blind,
    "shadows": shadows,
    "raw": simple(lambda: dial(1)),
    "fraction": simple(lambda: dial(1000)),
    "adding": simple(adding),
    "x0": special(1000, "x0", weight=lambda t: 1 / snr(t)),
    "v": special(1000, "v", weight=lambda t: 1 + 1 / snr(t)),
    "v, eps loss": simple(lambda: as_eps(small(), schedule, "v")),
    "half": simple(small, 500),
    "half, seed 1": simple(lambda: small(1), 500, 1),
    "half, seed 2": simple(lambda: small(2), 500, 2),
    "half, t at random": special(500, spread=False),
    "half, min-SNR": special(500, weight=lambda t: (5 / snr(t)).clamp(max=1)),
    "half, v": special(500, "v", weight=lambda t: 1 + 1 / snr(t)),
    "half, v, eps loss": simple(lambda: as_eps(small(), schedule, "v"), 500),
    "museum healthy": exhibit(),
    "museum lr 0.2": exhibit(lr=0.2),
    "museum lr 2e-5": exhibit(lr=2e-5),
    "museum seed": exhibit(seed=0),
    "museum sign": exhibit(sign=-1),
    "museum 0..1": exhibit((scans + 1) / 2, lambda x: 2 * x - 1),
    "museum 0..16": exhibit(8 * scans + 8, lambda x: x / 8 - 1),
    "museum t to 500": exhibit(latest=500),
    "labels": told_labels(labels),
    "labels shuffled": told_labels(shuffled),
    "no skips": simple(no_skips, 500),
    "no attention": simple(no_attention, 500),
    "one level": simple(one_level, 500),
    "thousandths": simple(lambda: Thousandths(small())),
    "thousandths, seed 1": simple(lambda: Thousandths(small(1)), seed=1),
    "thousandths, seed 2": simple(lambda: Thousandths(small(2)), seed=2),
    "sixteen": sixteen,
    "surgery": surgery,
    "without labels": without_labels,
    "seed 1": simple(lambda: small(1), seed=1),
    "seed 2": simple(lambda: small(2), seed=2),
    "mnist": mnist,
}


def main(names):
    threads(1)
    OUT.parent.mkdir(exist_ok=True)
    (checkout() / "data/checkpoints").mkdir(exist_ok=True)
    found = json.loads(OUT.read_text()) if OUT.exists() else {"times": TIMES, "runs": {}}
    for name in names or [name for name in RUNS if name not in found["runs"]]:
        begun = time.process_time()
        found["runs"][name] = RUNS[name]()
        write_whole(OUT, json.dumps(found, indent=1).replace("\n    ", " ") + "\n")
        told = {k: v for k, v in found["runs"][name].items() if k in ("train", "held_out", "frechet", "largest")}
        print(f"{name}: {time.process_time() - begun:.0f} CPU seconds", told, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
