"""The exercise 04-ema_step, the average of the weights: its truth, its inputs, its known mistakes."""

import torch
import torch.nn as nn

from course.teaching.exercises.spec import Case, Exercise, Mistake, normal
from course.training.loop import EMA


def _average(shadow, weights, step, decay):
    """One update of the package's EMA, of a network whose only weights these are."""
    ema = EMA(nn.ParameterList([shadow]), decay)
    ema.update(nn.ParameterList([weights]), step)
    return ema.net[0]


def _cases(generator):
    for what, step, decay, shape, dtype in (
        ("the first step", 0, 0.999, (3, 5), torch.float64),
        ("step 8", 8, 0.99, (4, 4), torch.float64),
        ("step 90 with a short memory, decay 0.5", 90, 0.5, (6,), torch.float64),
        ("step 5,000, past the warm-up", 5000, 0.99, (2, 3, 2, 2), torch.float64),
        ("float32", 40, 0.9, (5,), torch.float32),
    ):
        yield Case(what, (*normal(generator, 2, *shape, dtype=dtype), step, decay))


def _ema(keep):
    def fn(shadow, weights, step, decay):
        d = keep(step, decay)
        return d * shadow + (1 - d) * weights

    return fn


def _warm(step):
    return (1 + step) / (10 + step)


EMA_STEP = Exercise(
    "04-ema_step",
    truth=_average,
    cases=_cases,
    mistakes=(
        Mistake(
            "You exchange the factors: the past gets 1 - d, so that nothing is averaged.",
            "Which of the two factors is near 1 late in a run?",
            "The shadow is multiplied by d, the new weights by 1 - d.",
            _ema(lambda step, decay: 1 - min(decay, _warm(step))),
        ),
        Mistake(
            "You have no warm-up: with a decay near 1 the shadow stays near its random start for long.",
            "What is d at step 0?",
            "d is the smaller one of decay and (1 + step) / (10 + step).",
            _ema(lambda step, decay: decay),
        ),
        Mistake(
            "You take the larger one of the two: decay became a floor, and memory is never short.",
            "Try decay 0.5 at step 90.",
            "d is the smaller one: min, not max.",
            _ema(lambda step, decay: max(decay, _warm(step))),
        ),
        Mistake(
            "You let d grow past decay: after many steps nothing new comes in.",
            "Try decay 0.5 at step 90.",
            "d is min(decay, (1 + step) / (10 + step)).",
            _ema(lambda step, decay: _warm(step)),
        ),
        Mistake(
            "You add the new weights in full: the factors do not add up to 1.",
            "Feed it ones for both: what should come out?",
            "The new weights are multiplied by 1 - d.",
            lambda shadow, weights, step, decay: min(decay, _warm(step)) * shadow + weights,
        ),
        Mistake(
            "You take the mean of all steps: old ones never fade.",
            "When is step 3 forgotten?",
            "The factor of the past is d, in place of step / (step + 1).",
            _ema(lambda step, decay: step / (step + 1)),
        ),
        Mistake(
            "You take decay to the power of step: that is what is left of the first weights.",
            "Is d near 1 at step 5,000?",
            "d is the factor of one step: min(decay, (1 + step) / (10 + step)).",
            _ema(lambda step, decay: decay**step),
        ),
        Mistake(
            "You count steps from 1.",
            "What is d at the first step, where step is 0?",
            "d is min(decay, (1 + step) / (10 + step)): 0.1 at first.",
            _ema(lambda step, decay: min(decay, _warm(step + 1))),
        ),
    ),
    ours=(EMA,),
)
