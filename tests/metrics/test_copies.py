"""Copies: the nearest of the data, and how near it is."""

import torch
from helpers import normal, refused, scans, seeded

from course.data import load
from course.metrics import COPY, nearest


def test_copies_are_at_distance_0_of_their_originals():
    x = load("digits", "all")[0]
    order = torch.randperm(len(x), generator=seeded())[:200]
    distance, index = nearest(x[order], x)
    assert (distance == 0).all()
    assert index.equal(order)
    distance, index = nearest(load("mnist_mini")[0][:100], load("mnist_mini")[0])
    assert (distance == 0).all()
    assert index.equal(torch.arange(100))


def test_nearest_measures_rms_per_pixel():
    x = scans()
    moved = x.flip(0) + 0.03 * torch.where(normal(*x.shape) > 0, 1.0, -1.0).double()
    distance, index = nearest(moved, x)
    torch.testing.assert_close(distance, torch.full((40,), 0.03, dtype=torch.float64))
    assert index.equal(torch.arange(40).flip(0))
    assert (distance < COPY).all()
    brute = ((moved[:, None] - x[None]) ** 2).mean((2, 3, 4)).sqrt()
    torch.testing.assert_close(distance, brute.min(1).values)


def test_held_out_scans_are_no_copies():
    assert (nearest(load("digits", "test")[0], load("digits", "train")[0])[0] < COPY).float().mean() < 0.01


def test_pictures_of_two_sizes_are_refused():
    with refused(ValueError, r"one shape.*\(40, 4, 8\)"):
        nearest(scans()[:, 0], scans()[:, 0, :4])
