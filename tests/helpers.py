"""Truths and small tools that several tests share."""

import errno
import os
import re
from contextlib import contextmanager

import pytest
import torch
import torch.nn as nn

from course import schedules
from course.data import load
from course.exact import FiniteSet, GaussianMixture
from course.teaching import quiz
from course.teaching.events import DAY, Event

ALL = {make.__name__: make for make in (schedules.linear, schedules.cosine, schedules.scaled_linear, schedules.flow)}


@contextmanager
def refused(kind, words):
    """The block must raise `kind`, in one line that matches `words`."""
    with pytest.raises(kind, match=words) as caught:
        yield
    assert "\n" not in str(caught.value)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=seeded(seed), dtype=dtype)


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def coarse():
    """Twenty steps with betas from 0.02 to 0.5, where a shift by one index shows; ends at alpha_bar 0.0017."""
    beta = torch.linspace(0.02, 0.5, 20, dtype=torch.float64)
    return schedules.Schedule(torch.cat([double([1.0]), torch.cumprod(1 - beta, 0)]), "coarse")


def line():
    """A mixture on a line: three overlapping parts of different width and weight."""
    return GaussianMixture(double([[-1.5], [0.0], [2.0]]), double([0.2, 0.5, 0.3]), double([0.3, 0.2, 0.5]))


def plane():
    """A mixture on a plane: four overlapping parts of different width and weight."""
    means = double([[1.5, 0.0], [-1.0, 1.0], [-0.5, -1.5], [0.5, 0.8]])
    return GaussianMixture(means, double([0.3, 0.5, 0.2, 0.8]), double([0.4, 0.1, 0.2, 0.3]))


def gaussian():
    """One Gaussian of pictures (1, 8, 8)."""
    return GaussianMixture(normal(1, 1, 8, 8, seed=5), 0.4)


def scans(n=40, dtype=torch.float64):
    """The first n digits, pictures (n, 1, 8, 8)."""
    return load("digits", "all")[0][:n].to(dtype)


def finite(n=40, dtype=torch.float64):
    return FiniteSet(scans(n, dtype))


def open_up(net, seed=0):
    """The same network with random weights everywhere: none of its parts is silent any more."""
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(0.2 * torch.randn(weight.shape, generator=seeded(seed)))
    return net.eval()


def listing(folder):
    """Every file and folder below, with the bytes of the files."""
    return {p.relative_to(folder).as_posix(): p.is_file() and p.read_bytes() for p in sorted(folder.rglob("*"))}


def files(folder):
    """Every file below, with its bytes."""
    return {name: content for name, content in listing(folder).items() if content is not False}


def read_only(*arguments, **options):
    """Stands in for what writes, on a file system that does not let it."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


class Watched(nn.Module):
    """A network that notes the times and labels it is asked about; what it prints has one weight."""

    def __init__(self):
        super().__init__()
        self.weight, self.times, self.labels = nn.Parameter(torch.zeros(1)), [], []

    def forward(self, x, t, cond=None):
        self.times.append(t)
        self.labels.append(cond)
        return self.weight * x


def loads(soup):
    """All addresses that a page would fetch when opened; the links that a reader may click are not among them."""
    tags = soup.select("script[src], img[src], iframe[src], link[href], source[src], object[data]")
    found = [tag.get("src") or tag.get("href") or tag.get("data") for tag in tags]
    for text in [tag.get_text() for tag in soup.select("style, script")]:
        found += re.findall(r"(?:url\(|@import|import\()\s*[\"']?([^\"')\s]+)", text)
    return [address for address in found if not address.startswith(("data:", "#"))]


def answer(id, points, day=0):
    """What is kept of an answer to a question that earned so many points."""
    return Event(day * DAY, "answer", id, "x", points, quiz.find(id).points)
