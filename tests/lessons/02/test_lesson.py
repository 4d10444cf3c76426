"""What the prose of lesson 02 claims and its proofs do not reach: values by hand, other seeds; and that its guesses can
be made before the answer is seen."""

import math
import re
import runpy

import nbformat
import pytest
import torch
from fill import solution
from project import ROOT

from course.data import load
from course.exact import FiniteSet
from course.forward import q_sample
from course.metrics import nearest
from course.samplers import ddim, last
from course.schedules import linear, scaled_linear
from course.teaching import quiz
from course.teaching.quiz.marking import mark

MINE = runpy.run_path(solution("02"))

CELLS = nbformat.read(ROOT / "notebooks/02_forward_process.ipynb", as_version=4).cells


def tags(cell):
    return cell.metadata.get("tags", [])


def ones(schedule, seed, count=300, true_start=False):
    """The share of ones among samples of the exact denoiser that start at N(0, I), or at noised images."""
    x, y = load("mnist_mini")
    generator = torch.Generator().manual_seed(seed)
    x_T = torch.randn(count, 1, 28, 28, generator=generator)
    if true_start:
        x_T = q_sample(schedule, x[torch.randint(len(x), (count,), generator=generator)], schedule.T, x_T)
    samples = last(ddim(FiniteSet(x).eps_model(schedule), schedule, x_T, schedule.grid(15)))
    return (y[nearest(samples, x)[1]] == 1).double().mean().item()


def one(value):
    return torch.tensor([value], dtype=torch.float64)


def test_values_by_hand():
    """Each exercise names one worked value; the filled solutions give it."""
    table = MINE["my_alpha_bar"](torch.tensor([0.1, 0.2], dtype=torch.float64))
    assert table.tolist() == pytest.approx([1, 0.9, 0.72])
    assert MINE["my_cosine"](2, s=0.0).tolist() == pytest.approx([1, 0.5, 0.0005])
    table, t = torch.tensor([1.0, 0.36], dtype=torch.float64), torch.tensor([1])
    assert MINE["my_q_sample"](table, one(1.0), t, one(0.5)).item() == pytest.approx(1)
    views = MINE["my_three_views"](table, one(1.2), t, one(0.5)).flatten().tolist()
    assert views == pytest.approx([1.333, -0.767, -0.625], abs=5e-4)
    assert MINE["my_eps_from_v"](table, one(1.2), t, one(-0.767)).item() == pytest.approx(0.5, abs=5e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_ones_vanish_with_other_noise_too(seed):
    assert 0.05 < ones(linear(1000), seed) < 0.15
    assert ones(linear(200), seed) < 0.03
    assert ones(linear(300), seed) < 0.05


def test_scaled_linear_costs_three_ones_in_ten_and_its_start_is_to_blame():
    def share(**start):
        return sum(ones(scaled_linear(), seed, count=500, **start) for seed in range(4)) / 4

    assert 0.055 < share() < 0.085
    assert 0.085 < share(true_start=True) < 0.115  # two standard deviations are 0.013


def test_what_a_thousand_coins_lack_is_too_little_to_see():
    """Their KS distance from a Gaussian, to first order in the fourth cumulant, and the line for 50,000 samples."""
    beta, alpha_bar = linear().beta[1:], linear().alpha_bar
    kurtosis = -2 * (beta * alpha_bar[-1] / alpha_bar[1:]).square().sum().item()
    z = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    gap = (kurtosis / 24 * (z**3 - 3 * z) * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)).abs().max().item()
    assert 3e-4 < gap < 7e-4
    assert gap < 1.358 / math.sqrt(50_000) / 10


def test_what_draws_the_answer_is_folded():
    """Between a guess and what resolves it, titles and alt texts stand in folded cells only."""
    seen = []
    for number, cell in enumerate(CELLS):
        if "guess" not in tags(cell):
            continue
        asked = re.match(r'ask\("(02-\d+)"', cell.source)
        marked = f'ask("{asked[1]}")' if asked else None
        for later in CELLS[number + 1 :]:
            if later.source == marked or (not asked and "explain" in tags(later)):
                break
            if later.cell_type == "code" and "show(" in later.source:
                seen.append(later.id)
                assert later.metadata.get("jupyter", {}).get("source_hidden"), f"{later.id} tells before it runs"
    assert len(set(seen)) >= 9


@pytest.mark.parametrize(
    "name", ["포워드 프로세스", "포워드 과정", "포워드", "순과정", "노이징 과정", "디퓨전 프로세스"]
)
def test_the_name_of_the_process_counts_in_hangul_too(name):
    assert mark(quiz.find("02-2"), name).correct
    assert mark(quiz.find("02-2"), f"{name}입니다").correct


def test_the_whole_method_is_not_the_process():
    marked = mark(quiz.find("02-2"), "확산")
    assert not marked.correct
    assert "전체" in marked.feedback[0]["ko"]
    assert "whole" in marked.feedback[0]["en"]
