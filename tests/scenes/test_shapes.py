"""Colours and shapes: what they are called, and the areas that geometry says."""

import colorsys
import math

import pytest
import torch
from helpers import seeded

from course.scenes import BACKGROUNDS, COLOURS, SHAPES
from course.scenes.shapes import DISTANCES, coverage, paint


@pytest.mark.parametrize(
    ("name", "hue"),
    {"red": 0, "green": 130, "blue": 230, "yellow": 52, "purple": 285, "orange": 32, "cyan": 188, "pink": 335}.items(),
)
def test_colours_are_what_they_are_called(name, hue):
    found, _, saturation = colorsys.rgb_to_hls(*(part / 255 for part in COLOURS[name]))
    assert abs((360 * found - hue + 180) % 360 - 180) <= 10
    assert saturation > 0.5


def test_grounds_are_grey_and_far_from_every_colour():
    assert all(len(set(colour)) == 1 for colour in BACKGROUNDS.values())
    assert BACKGROUNDS["black"] < BACKGROUNDS["gray"] < BACKGROUNDS["white"]
    table = paint([*COLOURS, *BACKGROUNDS])
    assert (table.abs() <= 1).all()
    apart = torch.cdist(table, table) + 9 * torch.eye(len(table))
    assert apart.min() > 0.4  # noise of 0.05 does not take one for another


def inside(name, size=1500):
    """The points of a fine grid over [-1.2, 1.2] squared that lie in a shape of radius 1, and the area of a point."""
    axis = (torch.arange(size) + 0.5) * 2.4 / size - 1.2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return DISTANCES[name](x, y) < 0, (2.4 / size) ** 2


AREAS = {
    "circle": math.pi * 0.81,
    "square": 1.6**2,
    "triangle": math.sqrt(3) * 1.59**2 / 3,  # equal sides; 1.59 high, three times the radius inside
    "star": 5 * 0.46 * 1.05 * math.sin(math.pi / 5),  # ten triangles between middle, tip and notch
    "ring": math.pi * (0.89**2 - 0.51**2),
    "cross": 4 * (2 * 0.95 * 0.34 - 0.34**2),
    "heart": 0.78**2 * (2 + math.pi / 2),  # a square with diagonal 2 a, and two half discs on its sides
    "diamond": 2 * 0.66,
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_have_the_areas_that_geometry_says(name):
    points, area = inside(name)
    assert points.sum() * area == pytest.approx(AREAS[name], rel=0.003)
    assert not points[[0, -1]].any()
    assert not points[:, [0, -1]].any()


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_stand_upright_and_alike_on_both_sides(name):
    points, _ = inside(name)
    assert (points == points.flip(1)).float().mean() > 0.999
    rows = points.any(1).nonzero()[:, 0]
    wide = points.sum(1)[rows]
    upper, lower = wide[: len(wide) // 2].sum(), wide[len(wide) // 2 :].sum()
    if name == "triangle":
        assert lower > 2 * upper
    elif name == "heart":
        assert upper > lower
    elif name != "star":
        assert abs(upper - lower) < 0.01 * wide.sum()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("radius", [0.255, 0.29, 0.43, 0.79])
def test_coverage_of_coarse_pixels_has_the_area_of_the_shape(name, radius):
    kinds, radii = torch.full((20,), list(SHAPES).index(name)), torch.full((20,), radius)
    centres = 0.1 * torch.rand(20, 2, generator=seeded())  # not only on the corners of pixels
    coarse = coverage(kinds, centres, radii, 64).mean((1, 2)) * 4
    fine = coverage(kinds, centres, radii, 512).mean((1, 2)) * 4
    assert fine.mean().item() == pytest.approx(AREAS[name] * radius**2, rel=0.005)
    assert coarse.mean().item() == pytest.approx(fine.mean().item(), rel=0.02)


def test_coverage_lies_between_none_and_all_and_moves_with_the_shape():
    assert tuple(DISTANCES) == SHAPES
    kinds = torch.arange(len(SHAPES))
    there = torch.zeros(len(SHAPES), 2)
    covered = coverage(kinds, there, torch.full((8,), 0.4), 64)
    assert (covered.shape, covered.dtype) == ((8, 64, 64), torch.float32)
    assert (covered.min(), covered.max()) == (0, 1)
    moved = coverage(kinds, there + torch.tensor([0.25, -0.125]), torch.full((8,), 0.4), 64)  # 8 right, 4 up
    assert torch.allclose(moved, covered.roll((-4, 8), (1, 2)), atol=1e-5)
