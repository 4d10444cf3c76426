"""The shapes as signed distances, and what they cover and are painted with."""

import math

import torch

from course.scenes.words import BACKGROUNDS, COLOURS


def _circle(x, y):
    return torch.hypot(x, y) - 0.9


def _square(x, y):
    return torch.maximum(x.abs(), y.abs()) - 0.8


def _triangle(x, y):
    side = (math.sqrt(3) * x.abs() - (y - 0.25)) / 2  # two sides are one, mirrored; 0.25 centres its height
    return torch.maximum(y - 0.25, side) - 0.53


def _star(x, y):
    # One fifth of the star, folded at its axis: a straight edge from the tip to the notch beside it.
    angle, radius = torch.atan2(x, -y), torch.hypot(x, y)
    fifth = 2 * math.pi / 5
    angle = (torch.remainder(angle + fifth / 2, fifth) - fifth / 2).abs()
    along, across = radius * angle.cos(), radius * angle.sin()
    notch = 0.46 * math.cos(fifth / 2), 0.46 * math.sin(fifth / 2)
    edge = notch[0] - 1.05, notch[1]
    return (edge[0] * across - edge[1] * (along - 1.05)) / -math.hypot(*edge)


def _ring(x, y):
    return (torch.hypot(x, y) - 0.7).abs() - 0.19


def _cross(x, y):
    upright = torch.maximum(x.abs() - 0.34, y.abs() - 0.95)
    return torch.minimum(upright, torch.maximum(x.abs() - 0.95, y.abs() - 0.34))


def _heart(x, y):
    # A square on its corner, and a disc on each of its two upper sides.
    a, y = 0.78, y - 0.08
    lobe = torch.hypot(x.abs() - a / 2, y + a / 2) - a / math.sqrt(2)
    return torch.minimum(lobe, (x.abs() + y.abs() - a) / math.sqrt(2))


def _diamond(x, y):
    return (x.abs() / 0.66 + y.abs() - 1) / math.hypot(1 / 0.66, 1)


DISTANCES = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "ring": _ring,
    "cross": _cross,
    "heart": _heart,
    "diamond": _diamond,
}


def paint(names):
    """The colours of these names, of things and grounds alike: (len(names), 3) float32 in [-1, 1]."""
    table = COLOURS | BACKGROUNDS
    return torch.tensor([table[name] for name in names]) / 127.5 - 1


def coverage(kinds, centres, radii, size):
    """How much of each pixel a shape covers: kinds (N,) long into SHAPES, centres (N, 2) as x, y and radii (N,), both
    in half sides of the picture, from its middle, y downwards -> (N, size, size) float32 in [0, 1].

    A pixel at distance d from the edge is covered by 1/2 - d, in pixels, cut to [0, 1].
    """
    axis = (torch.arange(size) + 0.5) * 2 / size - 1
    covered = torch.empty(len(kinds), size, size)
    for kind, distance in enumerate(DISTANCES.values()):
        chosen = (kinds == kind).nonzero()[:, 0]
        r = radii[chosen, None, None]
        x = (axis[None, None, :] - centres[chosen, 0, None, None]) / r
        y = (axis[None, :, None] - centres[chosen, 1, None, None]) / r
        covered[chosen] = (0.5 - distance(*torch.broadcast_tensors(x, y)) * r * size / 2).clamp(0, 1)
    return covered
