"""Sets that are downloaded once: checked by md5, whole or not at all; an error says what to do without them."""

import gzip
import socket
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import Request, urlopen

import numpy as np

from course.env import data_root
from course.files import write_whole

HELP = (
    "Connect to the network, or let COURSE_DATA name a writable folder or one that holds the set; "
    "the lessons go on with 'digits' and 'mnist_mini'."
)


class DataError(OSError):
    """A data set cannot be had here; the message says what to do."""


@dataclass(frozen=True)
class Download:
    """A set that is downloaded. Its functions are called late, as torchvision, which knows places and sums, is slow."""

    megabytes: int  # to fetch
    read: Callable  # split -> bytes (N, C, H, W) and labels (N,), numpy arrays; raises DataError
    files: Callable  # () -> [(path, md5)], all that is read
    urls: Callable  # () -> addresses of a file of the set, the smallest; any one will do
    begins: bytes  # what is in the first bytes of that file, unpacked


def _idx(name, kind, megabytes):
    """MNIST or a sister of it; `kind` is its class in torchvision and its folder.

    Its .gz files are read as they are, which nobody has to unpack or write to.
    """

    def source():
        from torchvision import datasets

        return getattr(datasets, kind)

    def files(prefix=""):
        raw = data_root() / kind / "raw"
        return [(raw / file, md5) for file, md5 in source().resources if file.startswith(prefix)]

    def urls(file):
        return [mirror + file for mirror in source().mirrors]

    def read(split):
        wanted = files("train" if split == "train" else "t10k")
        for path, md5 in wanted:
            _ensure(path, md5, urls(path.name), name)
        pictures, labels = (gzip.decompress(path.read_bytes()) for path, _ in wanted)
        pictures = np.frombuffer(pictures, np.uint8, offset=16).reshape(-1, 1, 28, 28)
        return pictures, np.frombuffer(labels, np.uint8, offset=8)

    return Download(megabytes, read, files, lambda: urls(files()[-1][0].name), b"\0\0\x08\x01")


def _cifar10():
    """CIFAR-10: one archive, unpacked beside itself."""

    def source():
        from torchvision.datasets import CIFAR10

        return CIFAR10

    def files():
        known = source()
        listed = [*known.train_list, *known.test_list, (known.meta["filename"], known.meta["md5"])]
        return [(data_root() / known.base_folder / file, md5) for file, md5 in listed]

    def unpacked():
        from torchvision.datasets.utils import extract_archive

        root, known = data_root(), source()
        archive = root / known.filename
        _ensure(archive, known.tgz_md5, [known.url], "cifar10")

        def unpack(place):
            with tempfile.TemporaryDirectory(dir=root) as fresh:
                extract_archive(str(archive), fresh)
                Path(fresh, known.base_folder).replace(place)

        try:
            write_whole(root / known.base_folder, unpack)
        except OSError as error:
            raise DataError(f"cifar10: {archive} cannot be unpacked ({error}). {HELP}") from error

    def read(split):
        try:
            found = source()(data_root(), train=split == "train")
        except RuntimeError:  # torchvision's word for missing or corrupt
            unpacked()
            found = source()(data_root(), train=split == "train")
        return found.data.transpose(0, 3, 1, 2), found.targets

    return Download(170, read, files, lambda: [source().url], b"cifar-10-batches-py")


DOWNLOADS = {
    "mnist": _idx("mnist", "MNIST", 12),
    "fashion_mnist": _idx("fashion_mnist", "FashionMNIST", 31),
    "cifar10": _cifar10(),
}


def here(name):
    """Whether a set of DOWNLOADS lies in `data_root()`, whole by its md5."""
    from torchvision.datasets.utils import check_integrity

    return all(check_integrity(path, md5) for path, md5 in DOWNLOADS[name].files())


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


def probe(name, timeout=3.0):
    """See whether a set of DOWNLOADS can be downloaded: ask as the download asks, and look at what comes first.

    So a proxy is used where the download uses one, and a sign-in page is not taken for the set. Raises DataError.
    """
    reasons = []
    for url in DOWNLOADS[name].urls():
        place = urlparse(url).netloc
        try:
            with urlopen(Request(url, headers={"User-Agent": "pytorch/vision"}), timeout=timeout) as answer:
                first = zlib.decompressobj(31).decompress(answer.read(4096))  # 31: of gzip
            if DOWNLOADS[name].begins in first[:2048]:
                return
            reasons.append(f"{place} sends something else, as a sign-in page does")
        except zlib.error:
            reasons.append(f"{place} sends something else, as a sign-in page does")
        except (OSError, HTTPException) as error:  # the next mirror may do
            reasons.append(f"{place}: {error}")
    raise DataError(f"{name}: {' '.join('; '.join(reasons).split())}")
