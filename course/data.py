"""Data sets: real scans that are always there, and larger sets that are downloaded once and checked by md5."""

import gzip
import socket
import tempfile
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import torch

from course.checks import clean_pictures
from course.env import data_root, shipped
from course.files import write_whole

SPLITS = {
    "digits": ("train", "test", "all"),
    "mnist_mini": ("all",),
    "mnist": ("train", "test"),
    "fashion_mnist": ("train", "test"),
    "cifar10": ("train", "test"),
    "ring": ("all",),
    "moons": ("all",),
}
PHOTOS = ("camera", "grass")
HELP = (
    "Connect to the network, or let COURSE_DATA name a writable folder or one that holds the set; "
    "the lessons go on with 'digits' and 'mnist_mini'."
)


class DataError(OSError):
    """A data set cannot be had here; the message says what to do."""


def load(name, split="all"):
    """A data set: pictures x (N, C, H, W) float32 in [-1, 1] (points: (N, 2)) and labels y (N,) long.

    "digits" 1x8x8 (1,797 real scans: train 1,297, test 500) and "mnist_mini" 1x28x28 (1,000, 100 of each digit) are
    always there; "mnist", "fashion_mnist" 1x28x28 and "cifar10" 3x32x32 are read from `env.data_root()` or downloaded;
    "ring" and "moons" are 2,000 points each. Raises ValueError for an unknown name or split, DataError (a one-line
    message) where the data cannot be had.
    """
    if name not in SPLITS:
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(SPLITS)}")
    if split not in SPLITS[name]:
        raise ValueError(f"{name} has no split {split!r}; it has {', '.join(SPLITS[name])}")
    if name in ("ring", "moons"):
        return _points(name)
    if name == "digits":
        return _digits(split)
    if name == "mnist_mini":
        with np.load(shipped("data/mnist_mini.npz")) as file:
            return _tensors(file["pictures"][:, None], file["labels"])
    return _cifar10(split) if name == "cifar10" else _idx(name, split)


def _tensors(pictures, labels):
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
        return _tensors(np.array(file.convert("L"))[None, None], [0])[0]


def _points(name):
    rng = np.random.RandomState(0)
    if name == "moons":
        from sklearn.datasets import make_moons

        x, y = make_moons(2000, noise=0.05, random_state=rng)
        x = x - [0.5, 0.25]  # centred
    else:
        y = rng.randint(8, size=2000)
        angle = y * np.pi / 4
        x = 2 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.15 * rng.randn(2000, 2)
    return torch.from_numpy(x).float(), torch.from_numpy(y).long()


def _idx(name, split):
    """MNIST and its sister, straight from their .gz files, which nobody has to unpack or write to."""
    from torchvision.datasets import MNIST, FashionMNIST

    source, folder = (MNIST, "MNIST") if name == "mnist" else (FashionMNIST, "FashionMNIST")
    raw, prefix = data_root() / folder / "raw", "train" if split == "train" else "t10k"
    wanted = [(file, md5) for file, md5 in source.resources if file.startswith(prefix)]
    for file, md5 in wanted:
        _ensure(raw / file, md5, [mirror + file for mirror in source.mirrors], name)
    pictures, labels = (gzip.decompress((raw / file).read_bytes()) for file, _ in wanted)
    pictures = np.frombuffer(pictures, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    return _tensors(pictures, np.frombuffer(labels, np.uint8, offset=8))


def _cifar10(split):
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import extract_archive

    root = data_root()
    try:
        found = CIFAR10(root, train=split == "train")
    except RuntimeError:  # torchvision's word for missing or corrupt
        archive = root / CIFAR10.filename
        _ensure(archive, CIFAR10.tgz_md5, [CIFAR10.url], "cifar10")

        def unpack(place):
            with tempfile.TemporaryDirectory(dir=root) as fresh:
                extract_archive(str(archive), fresh)
                Path(fresh, CIFAR10.base_folder).replace(place)

        try:
            write_whole(root / CIFAR10.base_folder, unpack)
        except OSError as error:
            raise DataError(f"cifar10: {archive} cannot be unpacked ({error}). {HELP}") from error
        found = CIFAR10(root, train=split == "train")
    return _tensors(found.data.transpose(0, 3, 1, 2), found.targets)


def _ensure(path, md5, urls, name):
    """See that `path` holds the bytes with this md5: download it if not, whole or not at all. Raises DataError."""
    from torchvision.datasets.utils import check_integrity, download_url

    if check_integrity(path, md5):
        return
    state = "is corrupt or half downloaded" if path.exists() else "is not here yet"
    timeout, reasons = socket.getdefaulttimeout(), []
    socket.setdefaulttimeout(20)  # torchvision sets none and would wait for ever
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            try:
                write_whole(path, lambda place, url=url: download_url(url, place.parent, place.name, md5))
                return
            except (OSError, RuntimeError, HTTPException) as error:  # the next mirror may do
                reasons.append(f"{urlparse(url).netloc}: {error}")
    except OSError as error:
        reasons.append(str(error))
    finally:
        socket.setdefaulttimeout(timeout)
    raise DataError(f"{name}: {path} {state} and cannot be downloaded ({' '.join('; '.join(reasons).split())}). {HELP}")


def reachable(timeout=2.0):
    """Whether a host that the downloads come from answers within `timeout` seconds."""
    from torchvision.datasets import MNIST

    try:
        socket.create_connection((urlparse(MNIST.mirrors[0]).netloc, 443), timeout).close()
    except OSError:
        return False
    return True


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
