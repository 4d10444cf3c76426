"""The numbers of those questions of lesson 01 that vary from student to student. No torch is needed."""

import math

from course.teaching.lessons.draws import apart, drawn, written


def _grass(total, noise):
    """The std of grass under noise, from the std of both together."""
    variance = round(total**2 - noise**2, 4)
    grass, both = round(math.sqrt(variance), 3), round(math.sqrt(total**2 + noise**2), 3)
    texts = {"total": total, "noise": noise, "variance": variance, "grass": grass}
    values = [grass, round(total - noise, 2), variance, both]
    return {name: written(value, 4) for name, value in texts.items()}, values


_SPREADS = [(a / 100, b / 100) for a in range(40, 100, 5) for b in range(15, a - 5, 5)]

VARIANTS = {
    "01-3": drawn(_grass, (0.5, 0.3), [pair for pair in _SPREADS if apart(_grass(*pair)[1], 0.04)]),
}
