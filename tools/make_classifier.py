"""Train a classifier whose features the metrics use: python tools/make_classifier.py mnist [minutes]

Writes data/checkpoints/classifier-NAME.safetensors, with its recipe and its accuracy on the test set in the card. The
last pictures of the training set are kept back, so that floors can be measured on pictures it has not seen.
"""

import sys
import time

import torch
import torch.nn.functional as F

from course.checkpoints import describe, save
from course.data import batches, load
from course.env import PACKAGE, precision
from course.nets import Classifier

HELD = {"digits": 0, "mnist": 5000, "cifar10": 5000}
WIDTH = {"digits": 16, "mnist": 32, "cifar10": 64}
BATCH = 250


def moved(x, generator, flip):
    """The pictures of a batch, shifted together by up to two pixels each way, half of them mirrored if `flip`."""
    down, right = torch.randint(-2, 3, (2,), generator=generator).tolist()
    x = F.pad(x, [2] * 4, value=-1.0)[:, :, 2 + down : 2 + down + x.shape[2], 2 + right : 2 + right + x.shape[3]]
    mirror = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5 * flip
    return torch.where(mirror, x.flip(3), x)


def train(name, minutes, seed=0):
    """A trained Classifier and its card."""
    x, y = load(name, "train")
    x, y = x[: len(x) - HELD[name]], y[: len(y) - HELD[name]]
    torch.manual_seed(seed)
    net = Classifier(x.shape[1], WIDTH[name]).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.01, fused=True)
    start, share, steps = time.perf_counter(), 0.0, 0
    for x0, label in batches(x, y, BATCH, seed):
        for group in optimiser.param_groups:
            group["lr"] = 4e-3 * min(1, 10 * share + 0.05) * (1 - share)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + steps)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision("cpu") == torch.bfloat16):
            logits = net(moved(x0, generator, name == "cifar10"))
        loss = F.cross_entropy(logits.float(), label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        steps += 1
        share = (time.perf_counter() - start) / (60 * minutes)
        if steps % 50 == 0:
            print(f"{share:.0%} {loss.item():.4f}", flush=True)
        if share >= 1:
            break
    seconds = time.perf_counter() - start
    net.eval().half().float()  # as it will be stored
    with torch.no_grad():
        x_test, y_test = load(name, "test")
        right = torch.cat([net(part).argmax(1) for part in x_test.split(500)]) == y_test
    recipe = {"batch": BATCH, "lr": 4e-3, "weight_decay": 0.01, "shifts": 2, "seed": seed, "steps": steps}
    card = {"net": describe(net), "data": f"{name}, the first {len(x):,} of the training set", "recipe": recipe}
    card |= {"shape": list(x.shape[1:]), "seconds": round(seconds), "device": f"CPU, {torch.get_num_threads()} threads"}
    return net, card | {"metrics": {"test accuracy": round(right.float().mean().item(), 4)}}


if __name__ == "__main__":
    name, minutes = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
    net, card = train(name, minutes)
    weights = {key: x.half() if x.is_floating_point() else x for key, x in net.state_dict().items()}
    save(PACKAGE.parent / f"data/checkpoints/classifier-{name}.safetensors", weights, card)
    print(card)
