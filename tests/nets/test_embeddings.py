"""How the time is told to a network, and what labels do."""

import math

import pytest
import torch
from helpers import normal, open_up, refused

from course import NULL
from course.nets import MLP, Clock, timestep_embedding


def test_the_embedding_is_its_formula():
    t, dim = torch.tensor([0.0, 1.0, 0.5, 37.0, 1000.0]), 12
    found = timestep_embedding(t, dim, max_period=500.0)
    for row, time in zip(found.double(), t.tolist(), strict=True):
        frequencies = [500.0 ** (-k / 6) for k in range(6)]
        expected = [math.sin(time * f) for f in frequencies] + [math.cos(time * f) for f in frequencies]
        torch.testing.assert_close(row, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-4)
    assert found.dtype == torch.float32


def test_at_time_0_the_embedding_is_zeros_then_ones():
    assert timestep_embedding(torch.tensor([0]), 10).tolist() == [[0.0] * 5 + [1.0] * 5]


@pytest.mark.parametrize("dim", [2, 8, 64])
def test_every_embedding_has_the_same_length_and_neighbours_are_equally_alike(dim):
    rows = timestep_embedding(torch.arange(1001), dim).double()  # (1001, dim)
    torch.testing.assert_close(rows.norm(dim=1), torch.full((1001,), (dim / 2) ** 0.5).double(), rtol=1e-5, atol=1e-5)
    for apart in (1, 10):
        alike = (rows[apart:] * rows[:-apart]).sum(1)  # sum_k cos(apart f_k), whatever t is
        assert alike.std() < 1e-3
        assert alike.mean() < dim / 2


def test_no_two_times_look_the_same():
    rows = timestep_embedding(torch.arange(0, 1000.5, 0.5), 8).double()
    assert torch.pdist(rows).min() > 1e-3


def test_fractional_times_lie_on_the_same_curve():
    half, whole = timestep_embedding(torch.tensor([0.5, 7.25]), 16), timestep_embedding(torch.tensor([1.0, 14.5]), 16)
    sin, cos = half.chunk(2, dim=1)
    torch.testing.assert_close(whole, torch.cat([2 * sin * cos, cos**2 - sin**2], 1))  # doubling an angle


@pytest.mark.parametrize(("t", "dim"), [(torch.zeros(3), 7), (torch.tensor(3), 8), (torch.zeros(3, 1), 8)])
def test_what_cannot_be_embedded_is_refused(t, dim):
    with refused(ValueError, r"t \(B,\) and an even dim"):
        timestep_embedding(t, dim)


def test_a_clock_tells_times_and_labels_apart():
    clock, t = open_up(Clock(8, 3)), torch.tensor([5, 5, 5, 5, 900])
    told = clock(t, torch.tensor([NULL, 0, 1, 2, NULL]))
    assert told.shape == (5, 32)
    assert torch.pdist(told).min() > 0.01
    torch.testing.assert_close(clock(t), clock(t, torch.full((5,), NULL)), rtol=0, atol=0)
    torch.testing.assert_close(clock(t.double()), clock(t), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("classes", "cond", "says"),
    [
        (0, torch.tensor([0, 1]), "knows no labels"),
        (3, torch.tensor([0, 3]), r"-1 \(none\) to 2"),
        (3, torch.tensor([0, -2]), r"-1 \(none\) to 2"),
        (3, torch.tensor([0.0, 1.0]), "whole numbers"),
    ],
)
def test_labels_that_the_network_was_not_built_for_are_refused(classes, cond, says):
    with refused(ValueError, says):
        Clock(8, classes)(torch.tensor([1, 2]), cond)
    with refused(ValueError, says):
        MLP(2, 8, classes)(normal(2, 2).float(), torch.tensor([1, 2]), cond)
