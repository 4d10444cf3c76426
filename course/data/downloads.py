"""Sets that are downloaded once: checked by md5, whole or not at all; an error says what to do without them."""

import gzip
import socket
import tempfile
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse

import numpy as np

from course.env import data_root
from course.files import write_whole

HELP = (
    "Connect to the network, or let COURSE_DATA name a writable folder or one that holds the set; "
    "the lessons go on with 'digits' and 'mnist_mini'."
)


class DataError(OSError):
    """A data set cannot be had here; the message says what to do."""


def mnist(name, split):
    """MNIST or its sister "fashion_mnist": bytes (N, 1, 28, 28) and labels (N,), numpy arrays.

    They are read from their .gz files, which nobody has to unpack or write to. Raises DataError.
    """
    from torchvision.datasets import MNIST, FashionMNIST

    source, folder = (MNIST, "MNIST") if name == "mnist" else (FashionMNIST, "FashionMNIST")
    raw, prefix = data_root() / folder / "raw", "train" if split == "train" else "t10k"
    wanted = [(file, md5) for file, md5 in source.resources if file.startswith(prefix)]
    for file, md5 in wanted:
        _ensure(raw / file, md5, [mirror + file for mirror in source.mirrors], name)
    pictures, labels = (gzip.decompress((raw / file).read_bytes()) for file, _ in wanted)
    pictures = np.frombuffer(pictures, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    return pictures, np.frombuffer(labels, np.uint8, offset=8)


def cifar10(split):
    """CIFAR-10: bytes (N, 3, 32, 32) and labels (N,). Raises DataError."""
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
    return found.data.transpose(0, 3, 1, 2), found.targets


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
