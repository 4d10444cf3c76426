"""Draw the title picture of lesson 06, and put it into the notebook: python tools/lessons/06.py."""

import nbformat
import torch
from PIL import Image, ImageDraw, ImageFont
from title import put

from course.env import checkout
from course.viz import grid_image

LESSON = checkout() / "notebooks/06_stable_diffusion.ipynb"
TOP = 26  # pixels above the title picture, for the numbers


def source(cell):
    """The text of a cell of the lesson, by its id."""
    return next(c.source for c in nbformat.read(LESSON, 4).cells if c.id == cell)


def hook():
    """The title's eight pictures, drawn by the lesson's own cells, as a PIL image."""
    cells = ["imports", "load", "faults", "faults-2"]
    names = {"__name__": "lesson"}
    for cell in cells:
        exec(compile(source(cell), cell, "exec"), names)
    names |= {"show": lambda *_, **__: None}
    exec(compile(source("hook-run"), "hook-run", "exec"), names)
    wall = grid_image(torch.cat(names["line_up"]), columns=8, scale=2)
    image = Image.new("RGB", (wall.width, TOP + wall.height), "white")
    image.paste(wall, (0, TOP))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    for k, letter in enumerate(["intact", *"1234567"]):
        draw.text((k * wall.width / 8 + 64, TOP / 2), letter, "black", font, anchor="mm")
    return image


if __name__ == "__main__":
    put(LESSON, "hook.png", hook())
