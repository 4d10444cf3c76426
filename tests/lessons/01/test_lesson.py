"""What lesson 01 says about its longer runs is what its own cells find, and what it shows as solved is right."""

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


@pytest.mark.slow
def test_the_gain_by_noise_depends_on_the_recipe(monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "full")
    gains = run_cells("imports", "networks", "optimisers", "learn-run", "full-run", "full-learn")["gains"]
    shown, weak, half, strong, *others = gains
    assert shown == pytest.approx(0.023, abs=0.008)
    assert half == pytest.approx(0.024, abs=0.008)
    assert weak == pytest.approx(0.009, abs=0.006)
    assert strong == pytest.approx(0.009, abs=0.008)
    assert all(gain == pytest.approx(0.02, abs=0.01) for gain in others)
    assert max(weak, strong) < shown


@pytest.mark.slow
def test_noise_before_the_judge_helps_a_gan_cover(monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "full")
    names = run_cells("imports", "networks", "optimisers", "ring", "gan", "full-run", "full-gan")
    assert names["all_eight"][0.0] <= 5  # seen: 1 of 10
    assert names["all_eight"][1.0] > names["all_eight"][0.0]  # seen: 8 of 10
    assert names["uneven_mean"][1.0] < names["uneven_mean"][0.0]


@pytest.mark.slow
def test_the_vae_gets_better_with_more_updates():
    names = run_cells("imports", "networks", "optimisers", "ring", "vae")
    inside = names["count_blobs"](names["vae"](1500, seed=1))[1]
    assert inside.mean().item() == pytest.approx(0.6, abs=0.1)


def test_the_sampler_is_ddim_on_the_snrs_of_a_schedule():
    names = run_cells("imports", "mix", "reader-run", "onestep-run", "exercise-01-mix", "sampler")
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
