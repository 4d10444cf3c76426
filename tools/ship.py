"""Turn a finished run into a shipped network: python tools/ship.py runs/mnist mnist [samples]

Writes data/checkpoints/NAME.safetensors: the averaged weights in float16 (their loss in float32 and float16 stands in
the card), and what was measured: held-out loss, Frechet distances beside their floor, labels read by a classifier,
variance within classes. Distances are in the features of the classifier of that data set, for digits in 16 principal
components; with 0 samples only losses are measured. "raw" is the plain distance at that many samples, "point" and its
interval are `frechet_interval`.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from course.data import load
from course.env import checkout, seeded
from course.metrics import bootstrap, frechet, frechet_interval, pca
from course.models import cfg, in_parts
from course.samplers import ddim, last
from course.training.checkpoints import classifier, load_model, save_model
from course.training.eps import held_out_loss
from course.training.recipes import split
from course.training.run import CHECKPOINT

STEPS, SCALES = 50, (1.0, 1.5)


def draw(model, schedule, shape, n, classes, steps=STEPS):
    """n samples and the labels asked for, each class equally often: (n, C, H, W), (n,)."""
    x, labels = torch.randn(n, *shape, generator=seeded(0)), torch.arange(n) % classes
    return last(ddim(in_parts(model, 250), schedule, x, schedule.grid(steps), cond=labels)), labels


@torch.no_grad()
def in_features(features, x):
    """Features of pictures clamped to [-1, 1], a part at a time: (N, D)."""
    return torch.cat([features(part.clamp(-1, 1)) for part in x.split(500)])


def distance(features, reference):
    """A Frechet distance as it goes into the card, raw and with the bias removed."""
    point, low, high = frechet_interval(features, reference, generator=seeded(0))
    return {"raw": round(frechet(features, reference), 4), "point": round(point, 4), "low": low, "high": high}


def variance_within(features, labels):
    """The variance of features inside a class, summed over features, for each class: (classes,)."""
    return torch.stack([features[labels == c].var(0).sum() for c in labels.unique()])


def measure(model, schedule, card, n):
    """Everything about the pictures, as a dict for the card; n samples."""
    name, classes = card.data, card.classes
    x, _, x_held, y_held = split(name)
    read = None if name == "digits" else classifier(name)[0]
    features = pca(x, 16) if read is None else read.features
    real, kept = in_features(features, x), in_features(features, x_held)
    sizes = sorted({n, min(n, 1000)})
    found = {"floor": {k: distance(kept[:k], real) for k in sizes}}
    for scale in SCALES:
        start = time.perf_counter()
        samples, labels = draw(cfg(model, scale), schedule, x.shape[1:], n, classes)
        seconds, drawn = time.perf_counter() - start, in_features(features, samples)
        part = {"distance": {k: distance(drawn[:k], real) for k in sizes}, "seconds": round(seconds)}
        part["variance within classes"] = (variance_within(drawn, labels) / variance_within(kept, y_held)).mean().item()
        if read is not None:
            right = torch.cat([read(a.clamp(-1, 1)).argmax(1) for a in samples.split(500)]) == labels
            part["read as asked"] = bootstrap(right.float(), generator=seeded(0))
        found[f"scale {scale}"] = part
        print(scale, part, flush=True)
    return found


def main(run, name, n):
    """Write the shipped file and print its card."""
    model, schedule, card = load_model(Path(run) / CHECKPOINT)
    losses, x_y = {}, load(card.data, "test")
    for dtype in (torch.float32, torch.float16):
        net = model.net.to(dtype).float()  # in place: what follows measures the rounded weights
        found = held_out_loss(replace(model, net=net), schedule, *x_y, generator=seeded(0))
        losses[str(dtype).removeprefix("torch.")] = [round(number, 5) for number in found]
    metrics = {"test loss": losses}
    if n:
        metrics |= {**measure(model, schedule, card, n), "samples": n, "steps": STEPS, "sampler": "ddim"}
    half = replace(model, net=model.net.half())
    save_model(checkout() / f"data/checkpoints/{name}.safetensors", half, schedule, replace(card, metrics=metrics))
    print(metrics)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 5000)
