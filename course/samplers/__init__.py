"""Samplers: each walks a falling grid of times and yields a Step for each pair. One call of the model a step, but for
`langevin`, which makes many at each level."""

from course.samplers.ddim import ddim, invert
from course.samplers.ddpm import ddpm
from course.samplers.langevin import langevin
from course.samplers.sde import ancestral, reverse_sde
from course.samplers.walk import Step, last

__all__ = ["Step", "ancestral", "ddim", "ddpm", "invert", "langevin", "last", "reverse_sde"]
