"""Langevin: a step keeps the law whose score it follows, and carries no shares over a gap; a ladder of noise does."""

import pytest
import torch
from helpers import double, finite, line, normal, seeded

from course.exact import GaussianMixture
from course.forward import normal as drawn
from course.metrics import nearest, w1
from course.samplers import langevin, last
from course.samplers.langevin import langevin_step
from course.schedules import linear

BUMPS = GaussianMixture(double([[-1.0], [1.0]]), 0.1, double([0.3, 0.7]))


def test_a_step_by_hand():
    one = double([1.0])
    assert langevin_step(one, -3 * one, 2 * one, 0.25).item() == pytest.approx(1 - 0.375 + 1)


def test_small_steps_keep_a_law_and_large_ones_do_not():
    mixture, found = line(), []
    for step in (0.002, 0.2):
        x, generator = mixture.sample(4000, seeded(1)), seeded(2)
        for _ in range(200):
            x = langevin_step(x, mixture.score(x, 1.0), drawn(x, generator), step)
        found.append(w1(x, mixture.sample(200_000, seeded(3))))
    chance = [w1(mixture.sample(4000, seeded(10 + i)), mixture.sample(200_000, seeded(3))) for i in range(10)]
    assert found[0] < 2 * max(chance) < found[1]


def test_without_noise_the_start_decides_the_shares():
    x, generator = 4 * torch.rand(2000, 1, generator=seeded(0)).double() - 2, seeded(1)
    for _ in range(1000):
        x = langevin_step(x, BUMPS.score(x, 1.0), drawn(x, generator), 0.002)
    right = x > 0
    assert right.double().mean().item() == pytest.approx(0.5, abs=0.04)  # fair would be 0.7
    assert x[right].std().item() == pytest.approx(0.1, rel=0.1)  # and each bump is as it should be


def ladder(schedule, top, low, n):
    sigma = torch.logspace(torch.tensor(top).log10(), torch.tensor(low).log10(), n, dtype=torch.float64)
    return torch.cat([schedule.t_at_sigma(sigma), double([0.0])])


def test_down_a_ladder_the_shares_come_near_and_freeze_one_level_late():
    schedule = linear()
    grid, x_T = ladder(schedule, 3.0, 0.0101, 20), normal(4000, 1)
    x = last(langevin(BUMPS.eps_model(schedule), schedule, x_T, grid, steps=50, generator=seeded(1)))
    assert 0.655 < (x > 0).double().mean() < 0.7
    few = last(langevin(BUMPS.eps_model(schedule), schedule, x_T, grid, steps=5, generator=seeded(1)))
    assert w1(x, BUMPS.sample(100_000, seeded(2))) < w1(few, BUMPS.sample(100_000, seeded(2)))


def test_a_level_is_walked_in_u_with_steps_in_sigma_squared():
    schedule, t, seen = linear(), torch.tensor(400), []
    model = BUMPS.eps_model(schedule)
    x_T = normal(50, 1)
    (step,) = langevin(
        lambda x, t, cond: seen.append(x) or model(x, t), schedule, x_T, [400, 200], steps=3, rate=0.5,
        generator=seeded(5),
    )  # fmt: skip
    sigma, a, generator = schedule.sigma(t), schedule.at(t).sqrt(), seeded(5)
    u = x_T / a
    for x in seen:
        torch.testing.assert_close(x, a * u)
        score = a * BUMPS.score(a * u, schedule.at(t))
        u = u + 0.25 * sigma**2 * score + 0.5**0.5 * sigma * drawn(u, generator)
    assert len(seen) == 3
    torch.testing.assert_close(step.x, schedule.at(200).sqrt() * u)
    assert step.t == 200


def test_the_last_level_ends_with_a_guess_of_the_clean_picture():
    schedule, truth, calls = linear(), finite(), []
    model = truth.eps_model(schedule)
    grid = ladder(schedule, 10.0, 0.05, 12)
    steps = list(langevin(
        lambda x, t, cond: calls.append(t) or model(x, t), schedule, normal(16, 1, 8, 8), grid, steps=4,
        generator=seeded(1),
    ))  # fmt: skip
    assert len(calls) == 12 * 4 + 1
    assert steps[-1].x.equal(steps[-1].x0)
    far, _ = nearest(steps[-1].x, truth.means.reshape(-1, 1, 8, 8))
    assert far.max() < 0.02
