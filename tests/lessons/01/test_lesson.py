"""The sampler of lesson 01 is the one of the package, and what it shows as solved is right."""

import statistics

import nbformat
import pytest
import torch
from project import ROOT

from course.samplers import ddim, last
from course.schedules import linear
from course.teaching.exercises import checking, find
from course.teaching.lessons import l01


def run_cells(*ids):
    """Run some code cells of the lesson, in order, and return the names that they leave."""
    lesson = nbformat.read(ROOT / "notebooks/01_noise_intuition.ipynb", as_version=4)
    sources, names = {cell.id: cell.source for cell in lesson.cells}, {}
    for id in ids:
        exec(compile(sources[id], id, "exec"), names)
    return names


def test_the_sampler_is_ddim_on_the_snrs_of_a_schedule():
    names = run_cells("imports", "mix", "reader-run", "exercise-01-mix", "onestep-run", "sampler")
    schedule, times, noise = linear(), range(1000, 0, -50), names["noise"][:50].double()
    alpha_bar = torch.stack([schedule.at(t) for t in times])
    *_, (by_hand, _) = names["sample"](noise, alpha_bar / (1 - alpha_bar))
    by_library = last(ddim(names["images"].eps_model(schedule), schedule, noise, list(times)))
    assert (by_hand - by_library).abs().max() < 1e-4


def test_the_mix_that_is_shown_is_the_jump_at_that_snr():
    for seed in range(5):
        assert checking.examine(find("01-mix"), l01.mix, seed).status == "correct"


def test_the_std_that_is_shown_is_the_one_of_statistics():
    for case in find("01-noise_std").cases(torch.Generator().manual_seed(0)):
        right = [statistics.stdev(patch.flatten().tolist()) for patch in case.args[0]]
        assert l01.noise_std(*case.args).tolist() == pytest.approx(right, rel=1e-5)
