"""Data sets: always there, of the promised shape and range, split once and for all."""

import hashlib
import importlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import read_only, refused

from course import data, env
from course.data import DOWNLOADS, SPLITS, batches, load, photo
from course.data.downloads import Download

real = pytest.mark.skipif(
    "COURSE_DATA" not in os.environ, reason="COURSE_DATA does not name a folder with the real sets"
)


@pytest.mark.parametrize(("split", "n"), [("train", 1297), ("test", 500), ("all", 1797)])
def test_digits_are_split_once_and_for_all(split, n):
    x, y = load("digits", split)
    assert (x.shape, x.dtype) == ((n, 1, 8, 8), torch.float32)
    assert (y.shape, y.dtype) == ((n,), torch.long)
    assert (x.min(), x.max()) == (-1, 1)
    assert y.unique().tolist() == list(range(10))
    checksum = {"train": "ae4c18a1", "test": "e868cff4", "all": "1041ea9b"}[split]
    assert hashlib.md5(y.numpy().astype("<i8").tobytes()).hexdigest()[:8] == checksum


def test_no_scan_is_in_both_parts_and_none_is_lost():
    train, test, whole = ({row.numpy().tobytes() for row in load("digits", split)[0]} for split in SPLITS["digits"])
    assert not train & test
    assert train | test == whole


def test_labels_stay_with_their_scans():
    x, y = load("digits", "all")
    of_scan = {scan.numpy().tobytes(): label for scan, label in zip(x, y.tolist(), strict=True)}
    for scan, label in zip(*load("digits", "train"), strict=True):
        assert of_scan[scan.numpy().tobytes()] == label


def test_mnist_mini_has_a_hundred_of_each_digit():
    x, y = load("mnist_mini")
    assert (x.shape, x.dtype) == ((1000, 1, 28, 28), torch.float32)
    assert (x.min(), x.max()) == (-1, 1)
    assert y.bincount().tolist() == [100] * 10
    centres = torch.stack([x[y == k].mean(0) for k in range(10)]).flatten(1)
    nearest = torch.cdist(x.flatten(1), centres).argmin(1)
    assert (nearest == y).float().mean() > 0.75  # the labels belong to the pictures


@pytest.mark.parametrize(("name", "classes"), [("ring", 8), ("moons", 2)])
def test_points_are_the_same_each_time_and_centred(name, classes):
    x, y = load(name)
    assert (x.shape, x.dtype) == ((2000, 2), torch.float32)
    assert y.unique().tolist() == list(range(classes))
    assert x.mean(0).abs().max() < 0.1
    assert load(name)[0].equal(x)


def test_the_ring_is_eight_gaussians():
    x, y = load("ring")
    angle = y * torch.pi / 4
    off = x - 2 * torch.stack([angle.cos(), angle.sin()], 1)
    assert off.std().item() == pytest.approx(0.15, rel=0.05)
    assert off.mean(0).abs().max() < 0.02


@pytest.mark.parametrize("name", ["camera", "grass"])
def test_photographs_are_pictures(name):
    x = photo(name)
    assert x.ndim == 4
    assert x.shape[:2] == (1, 1)
    assert x.dtype == torch.float32
    assert -1 <= x.min() < -0.5 < 0.5 < x.max() <= 1


def test_unknown_names_list_the_known_ones():
    with refused(ValueError, f"'minst'; known: {', '.join(SPLITS)}"):
        load("minst")
    with refused(ValueError, "mnist has no split 'valid'; it has train, test"):
        load("mnist", "valid")
    with refused(ValueError, "mnist has no split 'all'; it has train, test"):
        load("mnist", "all")
    with refused(ValueError, "'cat'; known: camera, grass"):
        photo("cat")


@pytest.mark.parametrize("name", SPLITS)
def test_without_a_split_it_is_what_there_is_to_train_on(name, monkeypatch):
    """Never what a network is to be judged by; of every set, also of those that are not here."""
    asked = []
    known = {
        other: replace(found, read=lambda split: asked.append(split) or BYTES) for other, found in DOWNLOADS.items()
    }
    monkeypatch.setattr("course.data.sets.DOWNLOADS", known)
    x, y = load(name)
    if name in DOWNLOADS:
        assert asked == ["train"]
    else:
        best = load(name, "train" if "train" in SPLITS[name] else "all")
        assert x.equal(best[0])
        assert y.equal(best[1])


BYTES = np.zeros((2, 1, 8, 8), np.uint8), np.zeros(2, np.uint8)


def test_a_new_set_is_loaded_split_and_listed(monkeypatch):
    """One row in one table: everything else finds it there."""
    new = Download(1, lambda split: BYTES, lambda: [], lambda: [], b"")
    monkeypatch.setitem(data.downloads.DOWNLOADS, "new", new)
    module = importlib.reload(data.sets)
    assert module.SPLITS["new"] == ("train", "test")
    assert module.load("new", "test")[0].equal(torch.full((2, 1, 8, 8), -1.0))
    monkeypatch.undo()
    importlib.reload(data.sets)


@real
@pytest.mark.parametrize(
    ("name", "split", "shape", "each"),
    [
        ("mnist", "test", (10_000, 1, 28, 28), (892, 1135)),
        ("mnist", "train", (60_000, 1, 28, 28), (5421, 6742)),
        ("cifar10", "test", (10_000, 3, 32, 32), (1000, 1000)),
    ],
)
def test_the_real_sets_are_read_without_writing(name, split, shape, each, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", read_only)
    monkeypatch.setattr(data.downloads, "write_whole", read_only)
    before = sorted(p.as_posix() for p in env.data_root().rglob("*"))
    x, y = load(name, split)
    assert (x.shape, x.dtype, y.dtype) == (shape, torch.float32, torch.long)
    assert (x.min(), x.max()) == (-1, 1)
    counts = y.bincount()
    assert (counts.min(), counts.max()) == each
    assert sorted(p.as_posix() for p in env.data_root().rglob("*")) == before


@real
def test_mnist_mini_is_a_part_of_mnist():
    small, big = load("mnist_mini"), load("mnist", "train")
    known = {picture.numpy().tobytes(): label for picture, label in zip(big[0], big[1].tolist(), strict=True)}
    assert [known[picture.numpy().tobytes()] for picture in small[0]] == small[1].tolist()


def test_batches_go_through_all_pictures_in_a_new_order_each_round():
    x, y = torch.arange(10.0)[:, None], torch.arange(10)
    drawn = [*map(batches(x, y, size=3, seed=1), range(6))]  # two rounds of three, one picture left out of each
    for chosen, labels in drawn:
        assert chosen.shape == (3, 1)
        assert chosen[:, 0].equal(labels.float())
    rounds = [torch.cat([labels for _, labels in drawn[k : k + 3]]) for k in (0, 3)]
    assert all(len(one.unique()) == 9 for one in rounds)
    assert not rounds[0].equal(rounds[1])
    again = [labels for _, labels in map(batches(x, y, size=3, seed=1), range(6))]
    assert torch.cat(again).equal(torch.cat(rounds))
    assert not batches(x, y, size=3, seed=2)(0)[1].equal(drawn[0][1])


@pytest.mark.parametrize("size", [1, 3, 5, 10])
def test_any_batch_can_be_asked_for_at_any_time(size):
    x, y = torch.arange(10.0)[:, None], torch.arange(10)
    whole = [*map(batches(x, y, size=size, seed=1), range(30))]
    for order in (reversed(range(30)), (20, 3, 3, 0, 29, 10, 9)):
        batch = batches(x, y, size, 1)
        for k in order:
            late, late_y = batch(k)
            assert late.equal(whole[k][0])
            assert late_y.equal(whole[k][1])
    assert not whole[0][1].equal(whole[10 // size][1]) or size == 1  # so that a wrong number would have shown


def test_batches_without_labels_say_none():
    chosen, labels = batches(torch.zeros(4, 2), size=4)(0)
    assert chosen.shape == (4, 2)
    assert labels is None


@pytest.mark.parametrize("size", [0, -1, 5])
def test_a_batch_that_does_not_fit_is_refused(size):
    with refused(ValueError, f"batch of {size} does not fit 4 pictures"):
        batches(torch.zeros(4, 2), size=size)


def test_labels_that_do_not_fit_the_pictures_are_refused():
    with refused(ValueError, "4 pictures.*3 labels"):
        batches(torch.zeros(4, 2), torch.zeros(3), size=2)


def test_batches_refuse_pictures_in_another_unit():
    with refused(ValueError, r"must lie in \[-1, 1\], but run from 0 to 255"):
        batches(torch.tensor([0.0, 255.0]).repeat(4, 1).reshape(4, 1, 1, 2), size=2)
    with refused(TypeError, "divide bytes by 127.5"):
        batches(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), size=2)
