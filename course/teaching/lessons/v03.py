"""The numbers of those questions of lesson 03 that vary from student to student. No torch is needed."""

import math

from course.teaching.lessons.draws import apart, drawn, written


def _levels(before, now):
    """What the texts say of two alpha_bar, that of s and that of t: {name: value}."""
    alpha = now / before
    return {"before": before, "now": now, "alpha": alpha, "beta": 1 - alpha, "noise": 1 - now}


def _spread(before, now):
    """The std of q(x_s | x_t, x_0)."""
    levels = _levels(before, now)
    share = (1 - before) / levels["noise"]
    variance = levels["beta"] * share
    values = [math.sqrt(v) for v in (variance, levels["beta"], (before - now) * share)]
    values = [values[0], variance, values[1], before - now, values[2]]
    texts = levels | {"clear": 1 - before, "std": values[0], "variance": variance, "forward": values[2]}
    return {name: written(value) for name, value in texts.items()}, [round(value, 3) for value in values]


def _factor(before, now):
    """What eps_hat is multiplied by in the mean of a step."""
    levels = _levels(before, now)
    noise, step = math.sqrt(levels["noise"]), math.sqrt(levels["alpha"])
    values = [levels["beta"] / noise / step, levels["beta"] / noise, 1, noise, levels["beta"] / step]
    texts = {name: written(value) for name, value in levels.items()}
    texts |= {"factor": written(values[0], 4), "whole": written(noise)}
    return texts, [round(value, 4 if k == 0 else 3) for k, value in enumerate(values)]


def _small(before, now):
    """Whether less than a third is removed, as the explanation says, and all answers are told apart."""
    values = _factor(before, now)[1]
    return values[0] < 0.33 and apart(values, 0.0075)


def _pairs(every):
    """Pairs of two decimals each whose ratio has two decimals, a multiple of `every` hundredths."""
    return [(s / 100, s * a / 10000) for s in range(20, 95, 5) for a in range(50, 95, every) if s * a % 100 == 0]


VARIANTS = {
    "03-7": drawn(_spread, (0.5, 0.4), [pair for pair in _pairs(5) if apart(_spread(*pair)[1], 0.015)]),
    "03-11": drawn(_factor, (0.5, 0.4), [pair for pair in _pairs(1) if _small(*pair)]),
}
