"""Pictures with captions, as many as you like: drawn from words, and words read back from pictures."""

from course.scenes.draw import SIZE, draw
from course.scenes.read import describe
from course.scenes.words import (
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
    RELATIONS,
    SHAPES,
    SIZES,
    Scene,
    Thing,
    compare,
    every_scene,
    held_out,
    parse,
    random_scenes,
    wording,
)

__all__ = [
    "BACKGROUNDS",
    "COLOURS",
    "HELD_OUT",
    "RELATIONS",
    "SHAPES",
    "SIZE",
    "SIZES",
    "Scene",
    "Thing",
    "compare",
    "describe",
    "draw",
    "every_scene",
    "held_out",
    "parse",
    "random_scenes",
    "wording",
]
