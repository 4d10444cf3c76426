"""What all samplers share: the Step they yield, the walk over a grid, the draw of noise, and `last`."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import torch


@dataclass(frozen=True, eq=False)
class Step:
    """Where a sampler stands: t is the time just reached, x the state there, x0 the guess of this step's call."""

    t: torch.Tensor  # 0-dim
    x: torch.Tensor  # (B, ...)
    x0: torch.Tensor  # (B, ...)


def pairs(schedule, grid):
    """The pairs (t, s) of neighbouring times of a grid, later first.

    Raises ValueError unless the grid is (n + 1,), falls strictly and stays within 0..T.
    """
    grid = torch.as_tensor(grid)
    if grid.ndim != 1 or len(grid) < 2:
        raise ValueError(f"a grid is (n + 1,) with at least one step, but this one is {tuple(grid.shape)}")
    if not (grid[1:] < grid[:-1]).all():
        raise ValueError("a grid must fall strictly: two equal times would divide 0 by 0")
    if grid[0] > schedule.T or grid[-1] < 0:
        raise ValueError(f"a grid must stay within 0..{schedule.T}, but runs {grid[0].item():g}..{grid[-1].item():g}")
    return pairwise(grid)


def predict(model, x, t, cond):
    """eps = model(x, t, cond) with one time t for the whole batch: (B, ...). Raises ValueError on a wrong shape."""
    eps = model(x, t.to(x.device).expand(len(x)), cond)
    if eps.shape != x.shape:
        raise ValueError(f"the model must answer with the shape of x, {tuple(x.shape)}, but gave {tuple(eps.shape)}")
    return eps


def last(steps):
    """The final x of a sampler: `last(ddim(...))`. Only one state is kept. Raises ValueError where there is no step."""
    end = deque(steps, maxlen=1)
    if not end:
        raise ValueError("the sampler made no step")
    return end[0].x
