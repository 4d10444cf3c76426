"""Inversion: it asks at the later time with the earlier state, and DDIM brings back what it has turned into noise."""

import pytest
import torch
from helpers import gaussian, normal, plane, seeded

from course.samplers import ddim, invert, last
from course.schedules import linear


def test_invert_asks_at_the_later_time_with_the_earlier_state():
    schedule, x_0, seen = linear(), normal(3, 2), []
    steps = list(invert(lambda x, t, cond: seen.append((x, t, cond)) or 0 * x, schedule, x_0, [900, 400, 0], cond="c"))
    assert [step.t.item() for step in steps] == [400, 900]
    assert [t.tolist() for _, t, _ in seen] == [[400] * 3, [900] * 3]
    assert seen[0][0].equal(x_0)
    assert seen[1][0].equal(steps[0].x)
    assert seen[0][2] == "c"
    torch.testing.assert_close(steps[1].x, schedule.at(900).sqrt() * x_0)  # a silent model: only the scale changes


@pytest.mark.parametrize("mixture", [plane(), gaussian()], ids=["plane", "pictures"])
def test_inverted_pictures_come_back_and_the_nearer_the_more_steps(mixture):
    model, x_0, errors = mixture.eps_model(linear()), mixture.sample(50, seeded()), []
    for n in (20, 100, 500):
        grid = linear().grid(n)
        back = last(ddim(model, linear(), last(invert(model, linear(), x_0, grid)), grid))
        errors.append((back - x_0).square().mean().sqrt().item())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 0.02


def test_inverted_pictures_look_like_noise():
    x_T = last(invert(plane().eps_model(linear()), linear(), plane().sample(3000, seeded()), linear().grid(100)))
    assert x_T.mean(0).abs().max() < 5 / 3000**0.5 + 0.02
    assert (torch.cov(x_T.T) - torch.eye(2)).abs().max() < 0.1
