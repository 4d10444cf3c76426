"""How straight the way from noise to data is."""

import torch

from course.checks import floating
from course.schedules import as_float64


def straightness(path):
    """How crooked paths are, 0-dim: 0 for straight ones at constant speed, which one Euler step follows exactly.

    path (n + 1, B, ...) are states at times that are even in s, walked either way. The mean square of what the velocity
    differs from the way as a whole, over the mean square of that way; Liu et al. 2209.03003, sec. 2.2, who do not
    divide. Raises ValueError for fewer than three states. Lesson 08.
    """
    floating(path)
    if path.ndim < 2 or len(path) < 3:
        raise ValueError(f"a path is (n + 1, B, ...) with at least two steps, but this one is {tuple(path.shape)}")
    path = as_float64(path).flatten(1)
    whole = path[-1] - path[0]
    velocity = path.diff(dim=0) * (len(path) - 1)  # (n, B D)
    return (velocity - whole).square().mean() / torch.mean(whole.square())
