"""Draw the title picture of lesson 03, and put it into the notebook: python tools/lessons/03.py."""

from itertools import pairwise

import torch
from PIL import Image
from title import put

from course.data import load
from course.env import checkout, seeded
from course.exact import FiniteSet
from course.forward import convert, q_posterior
from course.schedules import linear
from course.viz import grid_image

LESSON = checkout() / "notebooks/03_reverse_process.ipynb"


def sample(model, x, grid, noise):
    """The sampler of section 5, which can leave out the noise."""
    schedule, generator = linear(), seeded(1)
    for t, s in pairwise(grid):
        mean, std = q_posterior(schedule, convert(schedule, x, t, model(x, t), "eps", "x0"), x, t, s)
        x = mean + noise * std * torch.randn(x.shape, generator=generator)
    return x


def hook():
    """The two blocks of the title, drawn with and without the noise, as a PIL image."""
    schedule = linear()
    model = FiniteSet(load("digits", "train")[0]).eps_model(schedule)
    noises = torch.randn(100, 1, 8, 8, generator=seeded(1))  # all hundred: the steps share their draws
    left, right = (
        grid_image(sample(model, noises, schedule.grid(200), noise)[:12], columns=4, scale=8) for noise in (1, 0)
    )
    both = Image.new("RGB", (2 * left.width + 64, left.height), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + 64, 0))
    return both


if __name__ == "__main__":
    put(LESSON, "hook.png", hook())
