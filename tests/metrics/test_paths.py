"""Straightness: nothing for straight lines, and what a bend is worth in closed form."""

import math
from itertools import pairwise

import pytest
import torch
from helpers import double, normal, plane, refused, seeded

from course.metrics import straightness


def line_to(start, end, n, speed=lambda s: s):
    s = torch.linspace(0, 1, n + 1, dtype=torch.float64)
    return torch.stack([start + speed(v) * (end - start) for v in s])


@pytest.mark.parametrize("shape", [(50, 2), (10, 1, 8, 8)])
def test_straight_lines_at_constant_speed_score_nothing(shape):
    path = line_to(normal(*shape), normal(*shape, seed=1), 20)
    assert straightness(path) < 1e-25
    assert straightness(path.float()) < 1e-10
    assert (straightness(path).dtype, straightness(path.float()).shape) == (torch.float64, ())


def test_a_change_of_speed_counts_as_a_bend():
    """z = s^2: the speed 2 s differs from 1 by 2 s - 1, the mean square of which is 1 / 3."""
    path = line_to(normal(30, 2), normal(30, 2, seed=1), 2000, lambda s: s**2)
    assert straightness(path).item() == pytest.approx(1 / 3, rel=1e-5)


def test_half_a_circle():
    """Speed pi / 2 times the diameter 2: pi^2 less 4 over 4, as the mean of the velocity is the way."""
    angle = torch.linspace(0, math.pi, 4001, dtype=torch.float64)
    path = torch.stack([angle.cos(), angle.sin()], 1)[:, None]  # (n + 1, 1, 2)
    assert straightness(path).item() == pytest.approx((math.pi**2 - 4) / 4, rel=1e-5)


def test_neither_size_nor_direction_matters():
    path = normal(12, 5, 3).cumsum(0)
    torch.testing.assert_close(straightness(7 * path), straightness(path))
    torch.testing.assert_close(straightness(path.flip(0)), straightness(path))


def walked(field, z, n):
    """Euler steps of a flow from s = 1 to 0: (n + 1, B, ...)."""
    s, path = torch.linspace(1, 0, n + 1, dtype=torch.float64), [z]
    for p, q in pairwise(s):
        path.append(path[-1] + (q - p) * field(path[-1], p))
    return torch.stack(path)


def test_the_exact_flow_of_a_mixture_is_crooked_and_that_of_a_shifted_gaussian_nearly_straight():
    from course.exact import GaussianMixture

    angles = torch.arange(8, dtype=torch.float64) * math.pi / 4
    ring = GaussianMixture(torch.stack([angles.cos(), angles.sin()], 1), 0.1)
    z = normal(2000, 2)
    assert straightness(walked(ring.velocity, z, 100)).item() == pytest.approx(1.75, rel=0.1)
    alike = GaussianMixture(double([[30.0, 0.0]]), 1.0)  # a shift by 30 and little else
    assert straightness(walked(alike.velocity, z, 100)) < 0.01
    assert straightness(walked(plane().velocity, plane().sample(10, seeded()), 20)) > 0


@pytest.mark.parametrize("shape", [(2, 5, 2), (5,), (1, 3)])
def test_a_path_has_two_steps_or_more(shape):
    with refused(ValueError, "at least two steps"):
        straightness(normal(*shape))
