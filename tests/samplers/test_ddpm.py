"""DDPM: its variance runs from that of the posterior to beta."""

import pytest
import torch
from helpers import coarse, seeded

from course.samplers import ddpm


@pytest.mark.parametrize("variance", [0.0, 0.25, 1.0])
def test_variance_blends_beta_tilde_and_beta(variance):
    schedule, n = coarse(), 40_000
    x_12 = torch.ones(n, 1).double()
    (step,) = ddpm(lambda x, t, cond: 0 * x, schedule, x_12, [12, 7], variance=variance, generator=seeded())
    beta = 1 - schedule.at(12) / schedule.at(7)
    tilde = beta * (1 - schedule.at(7)) / (1 - schedule.at(12))
    expected = (1 - variance) * tilde + variance * beta
    assert step.x.var().item() == pytest.approx(expected.item(), rel=5 * (2 / n) ** 0.5)
