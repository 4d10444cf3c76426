"""The numbers of those questions of lesson 02 that vary from student to student. No torch is needed."""

import math

from course.teaching.lessons.draws import apart, drawn, written


def _two_steps(first, second):
    """The std of the noise after two steps, from their alphas."""
    kept, lost, added = round(first * second, 4), round(1 - first, 2), round(1 - second, 2)
    variance = round(1 - kept, 4)
    values = [math.sqrt(variance), math.sqrt(lost) + math.sqrt(added), math.sqrt(lost + added), math.sqrt(kept)]
    std, total, unshrunk, signal = (round(value, 3) for value in values)
    texts = {"first": first, "second": second, "kept": kept, "variance": variance, "lost": lost, "added": added}
    texts = {name: written(value, 4) for name, value in (texts | {"std": std, "signal": signal}).items()}
    texts |= {"rootlost": f"sqrt({written(lost)})", "rootadded": f"sqrt({written(added)})"}
    return texts, [std, variance, total, unshrunk, signal]


def _v(cos, sin, x_t, eps):
    """v from x_t and eps, where alpha_bar is the square of a nice cosine."""
    clean = (x_t - sin * eps) / cos
    v = cos * eps - sin * clean
    texts = {"kept": cos**2, "cos": cos, "sin": sin, "noisy": x_t, "eps": eps, "clean": clean, "v": v}
    texts |= {"ours": cos * eps, "theirs": sin * clean, "back": cos * x_t, "turned": -sin * v}
    values = [v, -v, cos * eps - sin * x_t, cos * eps, clean]
    return {name: written(value) for name, value in texts.items()}, [round(value, 3) for value in values]


def _reads_well(cos, sin, x_t, eps):
    """Whether no sign of the explanation turns, and all answers are told apart."""
    values = _v(cos, sin, x_t, eps)[1]
    return values[4] > 0.2 and values[0] < -0.1 and apart(values, 0.05)


_ALPHAS = [(a / 100, b / 100) for a in range(50, 100, 5) for b in range(50, 100, 5) if a != b]
_ANGLES = [(c / 10, s / 10, x / 10, e / 10) for c, s in ((6, 8), (8, 6)) for x in range(5, 20) for e in range(2, 10)]

VARIANTS = {
    "02-6": drawn(_two_steps, (0.9, 0.8), [pair for pair in _ALPHAS if apart(_two_steps(*pair)[1], 0.012)]),
    "02-8": drawn(_v, (0.6, 0.8, 1.2, 0.5), [some for some in _ANGLES if _reads_well(*some)]),
}
