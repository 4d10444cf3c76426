"""Numbers with their spread.

Why there are two ways: a Frechet distance is biased upwards by about c / N, and resampling with replacement doubles
that bias, so its percentile bootstrap misses the truth; `frechet_interval` removes the bias first.
"""

import torch

from course.metrics.distances import features, frechet, pick
from course.schedules import as_float64


def frechet_interval(a, b, halves=8, resamples=40, generator=None):
    """Frechet distance without its bias, and an interval of about 95 %: (point, low, high).

    The point is 2 FD(N) - FD(N / 2), halves drawn without replacement; the interval adds two bootstrap spreads on
    either side. Chong, Forsyth 1911.07023 extrapolate so. Raises ValueError for fewer than 4 rows.
    """
    a, b = features(a, b)
    if min(len(a), len(b)) < 4:
        raise ValueError("an interval needs at least 4 rows in each set")
    half = [
        frechet(pick(a, len(a) // 2, False, generator), pick(b, len(b) // 2, False, generator)) for _ in range(halves)
    ]
    point = 2 * frechet(a, b) - sum(half) / halves
    again = torch.tensor(
        [frechet(pick(a, len(a), True, generator), pick(b, len(b), True, generator)) for _ in range(resamples)],
        dtype=torch.float64,
        device="cpu",
    )
    spread = again.std().item()
    return point, point - 2 * spread, point + 2 * spread


def bootstrap(values, statistic=torch.mean, resamples=1000, generator=None):
    """A statistic of values (N, ...) with its 95 % percentile interval: (point, low, high).

    For means, accuracies and shares. Not for a Frechet distance, which it biases: use `frechet_interval`. Raises
    ValueError where there are no values.
    """
    if not len(values):
        raise ValueError("there are no values to draw from")
    values = as_float64(values)
    again = torch.stack([statistic(pick(values, len(values), True, generator)) for _ in range(resamples)])
    low, high = torch.quantile(again, again.new_tensor([0.025, 0.975])).tolist()
    return statistic(values).item(), low, high
