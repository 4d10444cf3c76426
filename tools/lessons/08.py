"""Make what is too long for lesson 08: data/checkpoints/08-reflow.safetensors, the network of digits straightened.

    python tools/lessons/08.py

Some two minutes of one CPU thread. 3,000 pairs of the network's own, drawn without labels, 700 steps of 64 by flow
matching. The card says what was measured before and after, with three starts of 500 samples each: Frechet distances in
16 principal components of the training digits with 1, 2, 4 and 8 Euler steps even in s, "raw" for each start and the
point with its interval for the first; the straightness of the paths; and the floor, 500 held-out digits.
"""

import copy
import time
from dataclasses import replace

import torch

from course import env
from course.data import load
from course.env import checkout, seeded, threads
from course.forward import reframe
from course.metrics import frechet, frechet_interval, pca, straightness
from course.models import with_net
from course.samplers import ddim, last
from course.training.checkpoints import load_model, pretrained, save_model
from course.training.flow import own_pairs, pair_batches, train_flow
from course.training.recipes import REFLOW

STEPS, SEED, CALLS = 700, 0, (1, 2, 4, 8)
STARTS = (1, 2, 3)  # seeds of the noise that is measured with; the pairs come from another
x, _ = load("digits", "train")
unseen, _ = load("digits", "test")
look = pca(x, 16)


def rounded(numbers, digits=4):
    return [float(f"{float(n):.{digits}g}") for n in numbers]


def drawn(model, schedule, seed, calls, n=500):
    x_T = torch.randn(n, 1, 8, 8, generator=seeded(seed))
    return last(ddim(model, schedule, x_T, schedule.flow_grid(calls)))


def crooked(model, schedule, seed, calls=32, n=200):
    """The straightness of the paths, in the frame of the flow, and where they end."""
    x_T = torch.randn(n, 1, 8, 8, generator=seeded(seed))
    states = [(schedule.T, x_T), *((s.t, s.x) for s in ddim(model, schedule, x_T, schedule.flow_grid(calls)))]
    path = torch.stack([reframe(state, schedule.sigma(t), "x", "z") for t, state in states])
    return straightness(path), path[-1]


def measured(model, schedule, teacher):
    """Everything that is told of one model."""
    found = {}
    for calls in CALLS:
        samples = [drawn(model, schedule, seed, calls) for seed in STARTS]
        point = frechet_interval(look(samples[0]), look(x), generator=seeded(0))
        raw = [frechet(look(sample), look(x)) for sample in samples]
        found[f"{calls} calls"] = {"raw": rounded(raw), "point, low, high": rounded(point)}
    ends = [crooked(model, schedule, seed) for seed in STARTS]
    far = [(end - crooked(teacher, schedule, seed)[1]).square().mean().sqrt()
           for seed, (_, end) in zip(STARTS, ends, strict=True)]  # fmt: skip
    return found | {"straightness": rounded(s for s, _ in ends), "rms from the teacher's ends": rounded(far)}


def main():
    """Train, write the file and print its card."""
    threads(1)
    teacher, schedule, source = pretrained("digits")
    begun = time.process_time()
    x0, eps = own_pairs(teacher, schedule, source.shape, REFLOW["pairs"], None, REFLOW["calls"], seeded(100))
    pairs = time.process_time() - begun
    net = copy.deepcopy(teacher.net).requires_grad_(True)
    choices = {key: REFLOW[key] for key in ("lr", "decay", "warm_up", "drop")}
    batches = pair_batches(x0, None, eps, REFLOW["batch"], SEED)
    for progress in train_flow(with_net(teacher, net), schedule, batches, STEPS, seed=SEED, every=100, **choices):
        print(f"step {progress.step}, loss {progress.loss:.4f}, {progress.seconds:.0f} s", flush=True)
    recipe = {**REFLOW, "loss": "flow", "reflow": "digits", "labelled": False, "seed": SEED, "steps": STEPS,
              "precision": "float32", "seconds for the pairs": round(pairs, 1)}  # fmt: skip
    card = replace(
        source, recipe=recipe, step=STEPS, seconds=round(progress.seconds, 1), metrics={}, threads=1,
        device=env.machine("cpu"), torch=torch.__version__,
        note="It was straightened without labels; what it draws with one was not measured.",
    )  # fmt: skip
    path, half = checkout() / "data/checkpoints/08-reflow.safetensors", copy.deepcopy(progress.ema.net).half()
    save_model(path, with_net(teacher, half), schedule, card)
    model = load_model(path)[0]  # the rounded weights are measured
    metrics = {"floor": {"raw": rounded([frechet(look(unseen), look(x))])[0]}}
    metrics |= {"before": measured(teacher, schedule, teacher), "after": measured(model, schedule, teacher)}
    save_model(path, with_net(teacher, half), schedule, replace(card, metrics=metrics | {"samples": 500}))
    print(load_model(path)[2])


if __name__ == "__main__":
    main()
