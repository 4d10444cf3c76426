"""What lesson 03 says and its proofs do not reach: its title picture, worked values of exercises, and splits."""

import base64
import io

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from project import ROOT, module

from course.data import load
from course.env import seeded
from course.exact import FiniteSet
from course.metrics import nearest
from course.samplers import ddpm, last
from course.schedules import linear

LESSON = ROOT / "notebooks/03_reverse_process.ipynb"
title = module(ROOT / "tools/lessons/03.py")  # draws the title picture


def test_title_picture_is_what_the_lesson_draws():
    stored = nbformat.read(LESSON, 4).cells[0]["attachments"]["hook.png"]["image/png"]
    stored = Image.open(io.BytesIO(base64.b64decode(stored)))
    shown, drawn = (np.asarray(image.convert("L"), float) for image in (stored, title.hook()))
    assert shown.shape == drawn.shape
    assert np.abs(shown - drawn).mean() < 3  # grey levels of 255: room for one other digit where rounding differs


def test_worked_values_of_the_exercises(solution):
    table, t, s = torch.tensor([1, 0.9, 0.5]).double(), torch.tensor([2]), torch.tensor([1])
    one, two = torch.ones(1, 1).double(), torch.full((1, 1), 2.0).double()
    mean, std = solution.my_q_posterior(table, one, two, t, s)
    assert (mean.item(), std.item()) == pytest.approx((1.141, 0.298), abs=5e-4)
    for variance, value in ((0.0, 2.138), (1.0, 2.507)):
        step = solution.my_ddpm_step(table, two, t, s, one, one, variance)
        assert step.item() == pytest.approx(value, abs=5e-4)
    table, part = torch.tensor([1, 0.25]).double(), torch.ones(1).double()
    eps = solution.my_mixture_eps(table, one, torch.tensor([1]), part[:, None], 0 * part, part)
    assert eps.item() == pytest.approx(0.577, abs=5e-4)


def test_copying_does_not_hang_on_the_split():
    """Sections 5 and 6 on another split of the scans: all copies at 50 steps; without noise a few eights."""
    x, y = load("digits", "all")
    chosen = torch.randperm(len(x), generator=seeded(11))[:1297]
    x, y = x[chosen], y[chosen]
    schedule = linear()
    model, noises = FiniteSet(x).eps_model(schedule), torch.randn(50, 1, 8, 8, generator=seeded(1))
    distance, _ = nearest(last(ddpm(model, schedule, noises, schedule.grid(50), generator=seeded(2))), x)
    assert distance.max() < 1e-3
    _, found = nearest(title.sample(model, noises, schedule.grid(100), 0), x)
    assert len(found.unique()) <= 4
    assert (y[found.unique()] == 8).all()


def test_a_judge_that_gives_probabilities_takes_noise_for_digits():
    """Why further B asks for a margin: this judge is 90 % sure of about half of all pure noise."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    x, y = load("digits", "train")
    judge = CalibratedClassifierCV(SVC(), ensemble=False).fit(x.flatten(1), y)
    noise = torch.randn(200, 64, generator=seeded(1))
    assert 0.3 < (judge.predict_proba(noise).max(1) > 0.9).mean() < 0.7
