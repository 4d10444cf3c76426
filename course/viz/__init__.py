"""Figures, pixels, and what puts them on the page; each comes when it is asked for, and matplotlib with the figures."""

from course import lazily

FIGURES = ("COLOURS", "bars", "curves", "panels", "pictures", "points", "to_png")
PIXELS = ("animate", "grid_array", "grid_image", "to_array")

__getattr__, __dir__ = lazily(
    __name__,
    __path__,
    dict.fromkeys(FIGURES, "figures") | dict.fromkeys(PIXELS, "pixels") | {"show": "html"},
)
