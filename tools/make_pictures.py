"""Draw the picture of the README, docs/noise_to_digits.png: python tools/make_pictures.py."""

import io

import torch

from course.data import load
from course.env import checkout, seeded
from course.exact import FiniteSet
from course.files import write_whole
from course.samplers import ddim
from course.schedules import linear
from course.viz import grid_image


def readme_picture():
    """Five walks from noise to digits, as a PIL image."""
    schedule, noise = linear(), torch.randn(5, 1, 28, 28, generator=seeded(3))
    model = FiniteSet(load("mnist_mini", "all")[0]).eps_model(schedule)
    path = [noise, *(step.x for step in ddim(model, schedule, noise, schedule.grid(50)))]
    states = torch.stack([path[k] for k in (0, 15, 22, 27, 31, 34, 37, 40, 42, 44, 46, 50)], 1)  # walk by walk
    return grid_image(states.flatten(0, 1), columns=12, scale=3)


if __name__ == "__main__":
    readme_picture().save(buffer := io.BytesIO(), "PNG", optimize=True)
    write_whole(checkout() / "docs/noise_to_digits.png", buffer.getvalue())
