"""What all samplers share: the Step they yield, the walk over a grid, the draw of noise, and `last`."""

from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise

import torch

from course.checks import trusting
from course.env import moved
from course.schedules import as_times


@dataclass(frozen=True, eq=False)
class Step:
    """Where a sampler stands: t is the time just reached, x the state there, x0 the guess of this step's call."""

    t: torch.Tensor  # 0-dim, on the CPU
    x: torch.Tensor  # (B, ...)
    x0: torch.Tensor  # (B, ...)


def pairs(schedule, grid):
    """The pairs (t, s) of neighbouring times of a grid, later first, on the CPU: there they are read without a wait.

    Raises ValueError unless the grid is (n + 1,), falls strictly and stays within 0..T.
    """
    grid = as_times(grid).cpu()
    if grid.ndim != 1 or len(grid) < 2:
        raise ValueError(f"a grid is (n + 1,) with at least one step, but this one is {tuple(grid.shape)}")
    if not (grid[1:] < grid[:-1]).all():
        raise ValueError("a grid must fall strictly: two equal times would divide 0 by 0")
    if grid[0] > schedule.T or grid[-1] < 0:
        raise ValueError(f"a grid must stay within 0..{schedule.T}, but runs {grid[0].item():g}..{grid[-1].item():g}")
    return pairwise(grid)


def asked(model, cond):
    """A model as a walk asks it: eps = ask(x, t) with one time t for the whole batch, (B, ...) -> (B, ...).

    Condition and kind of answer stay the same on the way, so a model that looks at what it is given looks the first
    time; later a GPU is not waited for. Raises ValueError where the answer has another shape than x.
    """
    looked = []

    def ask(x, t):
        with trusting() if looked else nullcontext():
            eps = model(x, moved(t, x.device).expand(len(x)), cond)
        looked[:] = [True]
        if eps.shape != x.shape:
            raise ValueError(
                f"the model must answer with the shape of x, {tuple(x.shape)}, but gave {tuple(eps.shape)}"
            )
        return eps

    return ask


def weight(coefficient, x):
    """A coefficient of no dimension, float64, as it multiplies x: there, in the dtype of x, or float32 where that has
    fewer digits."""
    return coefficient.to(torch.promote_types(x.dtype, torch.float32)).to(x.device)


def last(steps):
    """The final x of a sampler: `last(ddim(...))`. Only one state is kept. Raises ValueError where there is no step."""
    end = deque(steps, maxlen=1)
    if not end:
        raise ValueError("the sampler made no step")
    return end[0].x
