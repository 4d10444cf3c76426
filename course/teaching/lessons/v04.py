"""The numbers of those questions of lesson 04 that vary from student to student. No torch is needed."""

import itertools
import math

from course.teaching.lessons.draws import drawn, written

# the linear schedule: alpha_bar for t = 0..1000
_ALPHA_BAR = [1.0, *itertools.accumulate((1 - 1e-4 - k * (0.02 - 1e-4) / 999 for k in range(1000)), lambda a, b: a * b)]
_SQUARE = 0.72  # the mean square of a pixel of the scans


def _guess(time, kept):
    """The eps loss of the guess eps_hat = x_t at a time, where alpha_bar is `kept`."""
    signal, missing = kept * _SQUARE, (1 - math.sqrt(1 - kept)) ** 2
    loss = signal + missing
    texts = {"kept": kept, "signal": signal, "missing": missing, "loss": loss}
    values = [round(loss, 4), round(signal, 4), kept, round(math.sqrt(loss), 3)]
    return {"time": str(time)} | {name: written(value, 4) for name, value in texts.items()}, values


def _adds_up(time, kept):
    """Whether the sum in the explanation is right after rounding, too."""
    texts, _ = _guess(time, kept)
    return math.isclose(float(texts["signal"]) + float(texts["missing"]), float(texts["loss"]))


def _blown_up(time, sigma, loss):
    """The RMS error of x_0 from the eps loss."""
    rms = math.sqrt(loss)
    texts = {"time": str(time), "sigma": str(sigma), "loss": written(loss, 4), "rms": written(rms, 4)}
    texts |= {"ranges": str(math.ceil(sigma * rms / 2))}  # nearly so often as large as the range of an image, 2
    values = [round(sigma * rms, 2), round(sigma * loss, 3), round(rms, 4), round(sigma**2 * loss, 1)]
    return texts | {"error": written(values[0]), "square": written(values[3])}, values


def _nearly_ranges(time, sigma, loss):
    """Whether the error is nearly three to six times the range of an image, as its feedback says, and comes out of the
    rounded root, too."""
    texts, (error, *_) = _blown_up(time, sigma, loss)
    ranges = int(texts["ranges"])
    return 3 <= ranges <= 6 and 1.8 * ranges < error < 1.99 * ranges and round(sigma * float(texts["rms"]), 2) == error


_TIMES = [(t, float(f"{_ALPHA_BAR[t]:.3g}")) for t in range(360, 505, 5)]
_SIGMAS = [(t, round(math.sqrt((1 - _ALPHA_BAR[t]) / _ALPHA_BAR[t]))) for t in range(940, 1005, 5)]
_LOSSES = [(t, sigma, loss / 10000) for t, sigma in _SIGMAS for loss in range(12, 61)]

VARIANTS = {
    "04-3": drawn(_guess, (500, 0.0786), [some for some in _TIMES if _adds_up(*some)]),
    "04-6": drawn(_blown_up, (1000, 157, 0.0014), [some for some in _LOSSES if _nearly_ranges(*some)]),
}
