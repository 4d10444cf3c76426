"""Samplers: each walks a falling grid of times and yields a Step for each pair. One call of the model a step."""

from course.samplers.ddim import ddim, invert
from course.samplers.ddpm import ddpm
from course.samplers.walk import Step, last

__all__ = ["Step", "ddim", "ddpm", "invert", "last"]
