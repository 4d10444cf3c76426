"""Draw the title picture of lesson 05, and put it into the notebook: python tools/lessons/05.py."""

import torch
from PIL import Image, ImageDraw, ImageFont
from title import put

from course import pretrained
from course.env import checkout, seeded
from course.samplers import ddim, ddpm, last
from course.viz import grid_image

LESSON = checkout() / "notebooks/05_ddim.ipynb"
MARGIN = 150  # pixels left of the title picture, for the names of its rows


def hook():
    """The wall of the title, four walks from the same eight noises, as a PIL image."""
    model, schedule, _ = pretrained("digits")
    x_T = torch.randn(8, 1, 8, 8, generator=seeded(19))
    walks = [
        last(walk(model, schedule, x_T, schedule.grid(n), generator=seeded(5)))
        for walk in (ddpm, ddim)
        for n in (1000, 50)
    ]
    return named(grid_image(torch.cat(walks), columns=8, scale=8))


def named(wall):
    """The wall of pictures with the name of each row before it."""
    image = Image.new("RGB", (MARGIN + wall.width, wall.height), "white")
    image.paste(wall, (MARGIN, 0))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    for row, name in enumerate(f"{walk}, {n} steps" for walk in ("DDPM", "DDIM") for n in ("1,000", "50")):
        draw.text((MARGIN - 10, 72 * row + 32), name, "black", font, anchor="rm")
    return image


if __name__ == "__main__":
    put(LESSON, "hook.png", hook())
