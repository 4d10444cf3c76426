"""Train a classifier whose features the metrics use: python tools/make_classifier.py mnist [steps]

Writes data/checkpoints/classifier-NAME.safetensors, with its recipe and its accuracy on the test set in the card. The
last pictures of the training set are kept back, so that floors can be measured on pictures it has not seen.
"""

import sys

import torch
import torch.nn.functional as F

from course.data import batches, load
from course.env import checkout, precision
from course.nets import Classifier
from course.training.card import Card
from course.training.checkpoints import describe, save
from course.training.loop import loop

HELD = {"digits": 0, "mnist": 5000, "cifar10": 5000}
WIDTH = {"digits": 16, "mnist": 32, "cifar10": 64}
BATCH = 250


def moved(x, generator, flip):
    """The pictures of a batch, shifted together by up to two pixels each way, half of them mirrored if `flip`."""
    down, right = torch.randint(-2, 3, (2,), generator=generator).tolist()
    x = F.pad(x, [2] * 4, value=-1.0)[:, :, 2 + down : 2 + down + x.shape[2], 2 + right : 2 + right + x.shape[3]]
    mirror = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5 * flip
    return torch.where(mirror, x.flip(3), x)


def train(name, steps, seed=0):
    """A trained Classifier and its card."""
    x, y = load(name, "train")
    x, y = x[: len(x) - HELD[name]], y[: len(y) - HELD[name]]
    torch.manual_seed(seed)
    net = Classifier(x.shape[1], WIDTH[name]).to(memory_format=torch.channels_last)
    batch = batches(x, y, BATCH, seed)

    def loss(net, k, generator):
        x0, label = batch(k)
        return F.cross_entropy(net(moved(x0, generator, name == "cifar10")).float(), label)

    # without an average, as decay 0 says: batch norm would need its own
    recipe = {"lr": 4e-3, "weight_decay": 0.01, "warm_up": 60, "floor": 0.0, "decay": 0.0, "seed": seed}
    for progress in loop(net, loss, steps, precision=precision("cpu"), every=50, **recipe):
        print(f"step {progress.step} of {steps}: {progress.loss:.4f}, {progress.seconds:.0f} s", flush=True)
    net.eval().half().float()  # as it will be stored
    with torch.no_grad():
        x_test, y_test = load(name, "test")
        right = torch.cat([net(part).argmax(1) for part in x_test.split(500)]) == y_test
    card = Card(
        net=describe(net),
        shape=tuple(x.shape[1:]),
        data=f"{name}, the first {len(x):,} of the training set",
        recipe=recipe | {"batch": BATCH, "shifts": 2, "steps": steps},
        seconds=round(progress.seconds),
        device=f"CPU, {torch.get_num_threads()} threads",
        metrics={"test accuracy": round(right.float().mean().item(), 4)},
    )
    return net, card


if __name__ == "__main__":
    name, steps = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 612
    net, card = train(name, steps)
    weights = {key: x.half() if x.is_floating_point() else x for key, x in net.state_dict().items()}
    save(checkout() / f"data/checkpoints/classifier-{name}.safetensors", weights, card)
    print(card)
