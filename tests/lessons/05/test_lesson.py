"""What lesson 05 says and its proofs do not reach: its title picture, worked values, stored bands, and its warnings."""

import base64
import io

import nbformat
import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from project import ROOT, module

from course import pretrained
from course.data import load
from course.env import data_root, seeded
from course.forward import convert, q_sample
from course.metrics import frechet, pca
from course.models import as_eps
from course.samplers import ddim, ddpm, last
from course.schedules import cosine, linear

LESSON = ROOT / "notebooks/05_ddim.ipynb"
title = module(ROOT / "tools/lessons/05.py")  # draws the title picture


def source(cell):
    """The text of a cell of the lesson, by its id."""
    return next(c.source for c in nbformat.read(LESSON, 4).cells if c.id == cell)


@pytest.mark.slow
def test_title_picture_is_what_the_walks_draw():
    stored = nbformat.read(LESSON, 4).cells[0]["attachments"]["hook.png"]["image/png"]
    stored = Image.open(io.BytesIO(base64.b64decode(stored)))
    shown, drawn = (np.asarray(image.convert("L"), float)[:, title.MARGIN :] for image in (stored, title.hook()))
    assert shown.shape == drawn.shape
    assert np.abs(shown - drawn).mean() < 4  # grey levels of 255: room for the rounding of another processor
    dice_long, dice_short, long, short = (shown[72 * k : 72 * k + 64] for k in range(4))  # 8 pixels of 8, and a gap
    assert np.abs(long - short).mean() < 10  # the rows that the title calls alike
    assert np.abs(dice_long - dice_short).mean() > 30


def test_worked_values_of_the_exercises(solution):
    table, t, s = torch.tensor([1, 0.9, 0.5]).double(), torch.tensor([2]), torch.tensor([1])
    one, two = torch.ones(1, 1).double(), torch.full((1, 1), 2.0).double()
    for eta, value in ((0.0, 2.051), (1.0, 2.138)):
        assert solution.my_ddim_step(table, two, t, s, one, one, eta).item() == pytest.approx(value, abs=5e-4)
    assert solution.my_invert_step(table, two, s, t, one).item() == pytest.approx(1.962, abs=5e-4)
    grid = solution.my_grid(1000, 30).tolist()
    assert (grid[:4], grid[-2:]) == ([1000, 967, 933, 900], [33, 0])


def test_worked_value_of_question_5(solution):
    table, half = torch.tensor([1, 0.64, 0.36]).double(), torch.full((1,), 0.5).double()
    step = solution.my_ddim_step(table, half * 2, torch.tensor([2]), torch.tensor([1]), half, 0 * half, 0.0)
    assert step.item() == pytest.approx(1.1)


def test_options_of_question_9_are_the_laws_they_stand_for():
    """An error of 0.029 at 50 steps, and 200: second order, random errors, no help, first order."""
    quiz = yaml.safe_load((ROOT / "quizzes/05_ddim.yaml").read_text(encoding="utf-8"))
    question = next(q for q in quiz["questions"] if q["id"] == "05-9")
    assert "0.029" in question["prompt"]["en"]
    assert "0.029" in question["prompt"]["ko"]
    for answer, law in zip(question["answers"], (1 / 16, 1 / 2, 1, 1 / 4), strict=True):
        written = answer["text"]["en"].removeprefix("about ")
        assert answer["text"]["ko"] == f"약 {written}"
        assert float(written) == pytest.approx(0.029 * law, rel=0.15)
        assert answer["correct"] == (law == 1 / 4)


def test_a_step_is_the_jump_from_the_guess_and_inversion_undoes_it(solution):
    """What the exercises say beside their formulas: at eta = 0, and of inversion at s = 0 and with the same eps."""
    schedule, (x, eps) = linear(), torch.randn(2, 4, 1, 4, 4, generator=seeded(0)).double()
    t, s = torch.tensor([12, 1000, 7, 300]), torch.tensor([11, 5, 0, 100])
    down = solution.my_ddim_step(schedule.alpha_bar, x, t, s, eps, eps, 0.0)
    torch.testing.assert_close(down, q_sample(schedule, convert(schedule, x, t, eps, "eps", "x0"), s, eps))
    torch.testing.assert_close(solution.my_invert_step(schedule.alpha_bar, down, s, t, eps), x)
    start = solution.my_invert_step(schedule.alpha_bar, x, 0 * s, t, eps)
    torch.testing.assert_close(start, q_sample(schedule, x, t, eps))


def test_two_steps_with_one_eps_are_one_step(solution):
    """Why few steps draw the same curve: what changes from step to step is eps alone."""
    table, (x, eps) = linear().alpha_bar, torch.randn(2, 3, 5, generator=seeded(0)).double()
    t, r, s = (torch.full((3,), time) for time in (800, 500, 100))
    middle = solution.my_ddim_step(table, x, t, r, eps, eps, 0.0)
    twice = solution.my_ddim_step(table, middle, r, s, eps, eps, 0.0)
    torch.testing.assert_close(twice, solution.my_ddim_step(table, x, t, s, eps, eps, 0.0))
    torch.testing.assert_close(solution.my_ddim_step(table, x, t, t, eps, eps, 0.0), x)


def test_half_the_dice_or_more_steps_do_not_cure_the_blow_up():
    """The wrong answers of question 05-10, with the network of Further A."""
    train, few = load("digits", "train")[0], torch.randn(100, 1, 8, 8, generator=seeded(19))
    feature, flat, curved = pca(train, 16), linear(), cosine()
    net, top = pretrained("04-eps")[0].net, linear().sigma(1000)
    model = as_eps(
        lambda x, t, c=None: net(x, flat.t_at_sigma(curved.sigma(t).clamp(max=top)).clamp(min=1).to(x), c),
        curved,
        "eps",
    )
    for n, eta in ((50, 0.5), (200, 0.0)):
        x = last(ddim(model, curved, few, curved.grid(n), eta=eta, generator=seeded(3)))
        assert frechet(feature(x), feature(train)) > 1e5


def test_the_dice_are_drawn_49_times_in_50_steps():
    """Question 05-11, by reading how far the generator has come."""
    schedule, x_T, dice, twin = linear(), torch.zeros(2, 1), seeded(1), seeded(1)
    last(ddpm(lambda x, t, c: x, schedule, x_T, schedule.grid(50), generator=dice))
    for _ in range(49):
        torch.randn(x_T.shape, generator=twin)
    assert torch.equal(dice.get_state(), twin.get_state())


def test_the_stored_bands_are_those_of_cifar10():
    """Section 4: five numbers in a cell, measured on 5,000 images; needs CIFAR-10 in the folder of downloads."""
    if not (data_root() / "cifar-10-batches-py").exists():
        pytest.skip("CIFAR-10 is not in COURSE_DATA")
    x = load("cifar10", "train")[0][:5000]
    names = {"torch": torch}
    exec(source("b4-bands").split("def with_stop")[0], names)
    for band, variance in names["measure_bands"](x).items():
        assert names["BANDS"][band] == pytest.approx(variance, rel=0.03), band
