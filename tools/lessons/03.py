"""Draw the title picture of lesson 03, and put it into the notebook: python tools/lessons/03.py."""

import base64
import io
from itertools import pairwise

import nbformat
import torch
from PIL import Image

from course.data import load
from course.env import checkout
from course.exact import FiniteSet
from course.forward import convert, q_posterior
from course.schedules import linear
from course.viz import grid_image

LESSON = checkout() / "notebooks/03_reverse_process.ipynb"


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def walk(model, x, grid, dice):
    """The sampler of section 5, which can leave out the noise."""
    schedule, generator = linear(), seeded(1)
    for t, s in pairwise(grid):
        mean, std = q_posterior(schedule, convert(schedule, x, t, model(x, t), "eps", "x0"), x, t, s)
        x = mean + dice * std * torch.randn(x.shape, generator=generator)
    return x


def hook():
    """The two blocks of the title, drawn with and without the noise, as a PIL image."""
    schedule = linear()
    model = FiniteSet(load("digits", "train")[0]).eps_model(schedule)
    noises = torch.randn(100, 1, 8, 8, generator=seeded(1))  # all hundred of section 5: its dice are shared
    left, right = (
        grid_image(walk(model, noises, schedule.grid(200), dice)[:12], columns=4, scale=8) for dice in (1, 0)
    )
    both = Image.new("RGB", (2 * left.width + 64, left.height), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + 64, 0))
    return both


def main():
    """Put the title picture into the notebook."""
    buffer = io.BytesIO()
    hook().save(buffer, format="PNG", optimize=True)
    notebook = nbformat.read(LESSON, 4)
    notebook.cells[0]["attachments"] = {"hook.png": {"image/png": base64.b64encode(buffer.getvalue()).decode()}}
    nbformat.write(notebook, LESSON)


if __name__ == "__main__":
    main()
