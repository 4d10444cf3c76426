"""Data sets as tensors, and batches of them: real scans that are always there, points, and larger sets."""

from functools import lru_cache

import numpy as np
import torch

from course.checks import clean_pictures
from course.data.downloads import DOWNLOADS
from course.env import shipped

PHOTOS = ("camera", "grass")


def as_tensors(pictures, labels):
    """Bytes (N, C, H, W) to float32 in [-1, 1], labels to long."""
    return torch.tensor(pictures).float() / 127.5 - 1, torch.tensor(labels).long()


def _digits(split):
    from sklearn.datasets import load_digits

    scans = load_digits()
    x, y = torch.from_numpy(scans.images / 8 - 1).float()[:, None], torch.from_numpy(scans.target).long()
    if split == "all":
        return x, y
    order = torch.from_numpy(np.random.RandomState(0).permutation(len(x)))  # a stream that numpy keeps for ever
    chosen = order[:1297] if split == "train" else order[1297:]
    return x[chosen], y[chosen]


def photo(name):
    """A photograph that comes with the course, "camera" or "grass", grey: (1, 1, 512, 512) float32 in [-1, 1].

    Raises ValueError for another name.
    """
    if name not in PHOTOS:
        raise ValueError(f"unknown photograph {name!r}; known: {', '.join(PHOTOS)}")
    from PIL import Image

    with Image.open(shipped(f"data/photos/{name}.png")) as file:
        return as_tensors(np.array(file.convert("L"))[None, None], [0])[0]


def _mnist_mini(_):
    with np.load(shipped("data/mnist_mini.npz")) as file:
        return as_tensors(file["pictures"][:, None], file["labels"])


def _ring(_):
    rng = np.random.RandomState(0)
    y = rng.randint(8, size=2000)
    angle = y * np.pi / 4
    x = 2 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.15 * rng.randn(2000, 2)
    return torch.from_numpy(x).float(), torch.from_numpy(y).long()


def _moons(_):
    from sklearn.datasets import make_moons

    x, y = make_moons(2000, noise=0.05, random_state=np.random.RandomState(0))
    return torch.from_numpy(x - [0.5, 0.25]).float(), torch.from_numpy(y).long()  # centred


# Where the sets that are always here come from, and into what they are split.
LOCAL = {
    "digits": (_digits, ("train", "test", "all")),
    "mnist_mini": (_mnist_mini, ("all",)),
    "ring": (_ring, ("all",)),
    "moons": (_moons, ("all",)),
}
SPLITS = {name: splits for name, (_, splits) in LOCAL.items()} | dict.fromkeys(DOWNLOADS, ("train", "test"))


def load(name, split=None):
    """A data set: pictures x (N, C, H, W) float32 in [-1, 1] (points: (N, 2)) and labels y (N,) long.

    "digits" 1x8x8 (1,797 real scans: train 1,297, test 500) and "mnist_mini" 1x28x28 (1,000, 100 of each digit) are
    always there; "mnist", "fashion_mnist" 1x28x28 and "cifar10" 3x32x32 are read from `env.data_root()` or downloaded;
    "ring" and "moons" are 2,000 points each. Without a `split` it is what there is to train on: "train", or "all" of a
    set that has no other. Raises ValueError for an unknown name or split, DataError (a one-line message) where the data
    cannot be had.
    """
    if name not in SPLITS:
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(SPLITS)}")
    split = SPLITS[name][0] if split is None else split
    if split not in SPLITS[name]:
        raise ValueError(f"{name} has no split {split!r}; it has {', '.join(SPLITS[name])}")
    return LOCAL[name][0](split) if name in LOCAL else as_tensors(*DOWNLOADS[name].read(split))


def batches(x, y=None, size=128, seed=0):
    """Shuffled batches by their number, without end: a function k -> (x (B, ...), y (B,) or None), k = 0, 1, ...

    Each round through the pictures has an order of its own, by (seed, round); what fills no batch is left out of it. A
    run that goes on at step k asks for number k and gets what it would have got. Raises ValueError unless
    1 <= size <= len(x), for pictures outside [-1, 1], and where labels and pictures differ in number.
    """
    clean_pictures(x)
    if not 1 <= size <= len(x):
        raise ValueError(f"a batch of {size} does not fit {len(x)} pictures")
    if y is not None and len(y) != len(x):
        raise ValueError(f"each picture needs one label, but there are {len(x)} pictures and {len(y)} labels")

    @lru_cache(maxsize=1)  # one round after the other: its order is made once
    def order(turn):
        return torch.from_numpy(np.random.default_rng((seed, turn)).permutation(len(x))).to(x.device)

    def batch(k):
        turn, place = divmod(k, len(x) // size)
        chosen = order(turn)[place * size :][:size]
        return x[chosen], None if y is None else y[chosen]

    return batch
