"""Draw the pictures that text files show: docs/noise_to_digits.png, and the strip in the title of lesson 00."""

import base64
import io

import nbformat
import torch

from course.data import load
from course.env import checkout
from course.exact import FiniteSet
from course.samplers import ddim
from course.schedules import linear
from course.viz import grid_image


def walks(data, noise, times, steps=50):
    """The states of walks from noise (B, ...) to pictures of `data` after the given numbers of steps, walk by walk."""
    schedule = linear()
    model = FiniteSet(load(data, "all")[0]).eps_model(schedule)
    path = [noise, *(step.x for step in ddim(model, schedule, noise, schedule.grid(steps)))]
    return torch.stack([path[k] for k in times], 1).flatten(0, 1)


def welcome_strip():
    """The seven pictures of lesson 00, as a PIL image."""
    noise = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(4))
    return grid_image(walks("digits", noise, (0, 25, 35, 39, 43, 46, 50)), columns=7, scale=10)


def readme_picture():
    """Five walks from noise to digits, as a PIL image."""
    noise = torch.randn(5, 1, 28, 28, generator=torch.Generator().manual_seed(3))
    return grid_image(walks("mnist_mini", noise, (0, 15, 22, 27, 31, 34, 37, 40, 42, 44, 46, 50)), columns=12, scale=3)


def main():
    """Write both."""
    readme_picture().save(checkout() / "docs/noise_to_digits.png", optimize=True)
    buffer = io.BytesIO()
    welcome_strip().save(buffer, format="PNG", optimize=True)
    lesson = checkout() / "notebooks/00_welcome.ipynb"
    notebook = nbformat.read(lesson, 4)
    png = base64.b64encode(buffer.getvalue()).decode()
    notebook.cells[0]["attachments"] = {"strip.png": {"image/png": png}}
    nbformat.write(notebook, lesson)


if __name__ == "__main__":
    main()
