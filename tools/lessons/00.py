"""Draw the strip in the title of lesson 00, and put it into the notebook: python tools/lessons/00.py."""

import torch
from title import put

from course.data import load
from course.env import checkout, seeded
from course.exact import FiniteSet
from course.samplers import ddim
from course.schedules import linear
from course.viz import grid_image

LESSON = checkout() / "notebooks/00_welcome.ipynb"


def strip():
    """Seven states of the walk of section 1, as a PIL image."""
    schedule, noise = linear(), torch.randn(1, 1, 8, 8, generator=seeded(4))
    model = FiniteSet(load("digits", "all")[0]).eps_model(schedule)
    path = [noise, *(step.x for step in ddim(model, schedule, noise, schedule.grid(50)))]
    return grid_image(torch.cat([path[k] for k in (0, 25, 35, 39, 43, 46, 50)]), columns=7, scale=10)


if __name__ == "__main__":
    put(LESSON, "strip.png", strip())
