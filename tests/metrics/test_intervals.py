"""Intervals: by how often they hold the truth."""

import numpy as np
import pytest
import torch
from helpers import double, normal, refused, seeded

from course.metrics import bootstrap, frechet, frechet_interval

RUNS, ROWS, FEATURES, TRUE = 50, 300, 16, 0.25


def runs():
    """Pairs of Gaussian samples whose true distance is 0.25, the means being half apart."""
    for run in range(RUNS):
        a, b = normal(ROWS, FEATURES, seed=2 * run), normal(ROWS, FEATURES, seed=2 * run + 1)
        b[:, 0] += 0.5
        yield a, b


def test_the_interval_of_the_frechet_distance_holds_the_truth():
    intervals = double([frechet_interval(a, b, generator=seeded(run)) for run, (a, b) in enumerate(runs())])
    point, low, high = intervals.T
    assert (low < point).all()
    assert (point < high).all()
    assert ((low < TRUE) & (high > TRUE)).double().mean() >= 0.9
    assert abs(point.mean().item() - TRUE) < 0.05  # the plain distance has a bias of twice the truth
    assert sum(frechet(a, b) for a, b in runs()) / RUNS - TRUE > 0.5


def test_a_percentile_bootstrap_of_the_frechet_distance_misses_the_truth():
    held = 0
    for run, (a, b) in enumerate(runs()):
        generator = seeded(run)
        again = [frechet(*(x[torch.randint(ROWS, (ROWS,), generator=generator)] for x in (a, b))) for _ in range(60)]
        low, high = np.quantile(again, [0.025, 0.975])
        held += low <= TRUE <= high
    assert held <= RUNS / 20


def test_the_bootstrap_of_a_share_holds_it():
    share, held = 0.3, 0
    for run in range(200):
        values = torch.rand(200, generator=seeded(run)) < share
        point, low, high = bootstrap(values, resamples=200, generator=seeded(run))
        assert low <= point <= high
        assert point == pytest.approx(values.double().mean().item())
        held += low <= share <= high
    assert 180 <= held <= 199


def test_the_bootstrap_of_a_mean_has_the_width_of_two_standard_errors():
    values = normal(400)
    point, low, high = bootstrap(values, generator=seeded())
    assert point == values.mean()
    assert high - low == pytest.approx(2 * 1.96 * values.std().item() / 20, rel=0.15)


def test_the_bootstrap_takes_any_statistic_of_the_rows():
    values = normal(300, 2)
    point, low, high = bootstrap(values, lambda x: (x[:, 0] * x[:, 1]).mean() + 7, resamples=50, generator=seeded())
    assert low < point < high
    assert abs(point - 7) < 0.3


def test_intervals_follow_their_seed():
    a, b = normal(50, 3), normal(50, 3, seed=1)
    one, other = ([frechet_interval(a, b, generator=seeded(k)) for _ in range(2)] for k in (1, 2))
    assert one[0] == one[1] != other[0]
    assert bootstrap(a, generator=seeded(1)) == bootstrap(a, generator=seeded(1)) != bootstrap(a, generator=seeded(2))


def test_halves_of_too_few_rows_are_refused():
    with refused(ValueError, "at least 4 rows"):
        frechet_interval(normal(20, 3), normal(20, 3)[:3])
