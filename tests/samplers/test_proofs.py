"""The samplers proved: equal to each other, equal to diffusers, and right where the truth is known."""

import pytest
import torch
from helpers import ALL, coarse, double, finite, gaussian, line, normal, plane, scans, seeded

from course.metrics import nearest, w1
from course.samplers import ddim, ddpm, last
from course.schedules import linear


def states(steps):
    return torch.stack([step.x for step in steps])


GRIDS = {
    "every time": (coarse(), coarse().grid(20)),
    "in one step": (coarse(), coarse().grid(1)),
    "uneven whole times": (coarse(), torch.tensor([20, 19, 15, 14, 8, 3, 1, 0])),
    "linear, 50": (linear(), linear().grid(50)),
    "linear, 37, which does not divide T": (linear(), linear().grid(37)),
    "linear, Karras": (linear(), linear().karras_grid(15)),
    "cosine, 50": (ALL["cosine"](), ALL["cosine"]().grid(50)),
    "between whole times, not to 0": (linear(), double([999.5, 700.25, 33.3, 2.5])),
}


@pytest.mark.parametrize("mixture", [line(), plane(), finite()], ids=["line", "plane", "scans"])
@pytest.mark.parametrize("grid", GRIDS)
def test_ddpm_is_ddim_with_eta_1(mixture, grid):
    schedule, times = GRIDS[grid]
    model, x_T = mixture.eps_model(schedule), normal(16, *mixture.shape)
    one = list(ddpm(model, schedule, x_T, times, variance=0.0, generator=seeded(7)))
    other = list(ddim(model, schedule, x_T, times, eta=1.0, generator=seeded(7)))
    torch.testing.assert_close(states(one), states(other), rtol=1e-10, atol=1e-10)
    # near t = T, x_0 = (x - b eps) / a divides rounding by a, on cosine 5e-5
    torch.testing.assert_close(one[-1].x0, other[-1].x0, rtol=1e-10, atol=1e-10)


def test_noise_tells_ddpm_from_ddim():
    model, x_T = line().eps_model(linear()), normal(16, 1)
    calm, lively = (last(ddim(model, linear(), x_T, linear().grid(20), eta=eta, generator=seeded())) for eta in (0, 1))
    assert (calm - lively).abs().mean() > 0.1


def of_diffusers(kind, n, schedule=None, **options):
    """A scheduler of diffusers that should equal ours; its tables are float32, or those of `schedule` in float64."""
    import diffusers

    if kind == "DDIMScheduler":
        options["set_alpha_to_one"] = True
    theirs = getattr(diffusers, kind)(1000, clip_sample=False, timestep_spacing="trailing", **options)
    theirs.set_timesteps(n)
    assert theirs.timesteps.tolist() == (linear().grid(n)[:-1] - 1).tolist()  # our t is theirs plus one
    if schedule:
        theirs.alphas_cumprod = schedule.alpha_bar[1:]
    return theirs


def walk_of(theirs, model, x, **options):
    """The states that a scheduler of diffusers goes through."""
    for t in theirs.timesteps:
        x = theirs.step(model(x, t + 1), t, x, **options).prev_sample
        yield x


def relative(found, expected):
    """The larger of the relative errors of the whole walk and of the picture it ends with."""
    return max((f - e).norm() / e.norm() for f, e in ((found, expected), (found[-1], expected[-1])))


@pytest.mark.parametrize(("n", "tolerance"), [(50, 5e-6), (1000, 5e-5)])
@pytest.mark.parametrize("own_tables", [True, False])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_equals_that_of_diffusers(n, tolerance, own_tables, eta):
    schedule, model, x_T = linear(), gaussian().eps_model(linear()), normal(8, 1, 8, 8)
    theirs = of_diffusers("DDIMScheduler", n, None if own_tables else schedule)
    noise = seeded(3)  # diffusers draws on every step if eta > 0, the last included: there with std 0
    expected = torch.stack(list(walk_of(theirs, model, x_T, eta=eta, generator=noise)))
    found = states(ddim(model, schedule, x_T, schedule.grid(n), eta=eta, generator=seeded(3)))
    error = relative(found, expected)
    assert error < (tolerance if own_tables else 1e-9)  # it adds noise of std 1e-10 to the last


@pytest.mark.parametrize(("n", "tolerance"), [(50, 5e-6), (1000, 5e-5)])
@pytest.mark.parametrize("own_tables", [True, False])
@pytest.mark.parametrize(("variance", "name"), [(0.0, "fixed_small"), (1.0, "fixed_large")])
def test_ddpm_equals_that_of_diffusers(n, tolerance, own_tables, variance, name):
    schedule, model, x_T = linear(), gaussian().eps_model(linear()), normal(8, 1, 8, 8)
    theirs = of_diffusers("DDPMScheduler", n, None if own_tables else schedule, variance_type=name)
    expected = torch.stack(list(walk_of(theirs, model, x_T, generator=seeded(3))))
    found = states(ddpm(model, schedule, x_T, schedule.grid(n), variance=variance, generator=seeded(3)))
    if variance == 1 and n < 1000:
        # with fewer than T steps diffusers adds noise of variance beta to the finished picture; nobody should
        assert (expected[-1] - found[-1]).std() > 0.03
        found, expected = found[:-1], expected[:-1]
    error = relative(found, expected)
    assert error < (tolerance if own_tables else 1e-9)  # it adds noise of std 1e-10 to the last


def distance(a, b):
    """W1 of clouds (N, D): the mean over eight directions."""
    angles = torch.arange(8) * torch.pi / 8
    directions = torch.stack([angles.cos(), angles.sin()]).double() if a.shape[1] == 2 else double([[1.0]])
    return sum(w1(a @ way, b @ way) for way in directions.T) / directions.shape[1]


@pytest.mark.parametrize("mixture", [line(), plane()], ids=["line", "plane"])
@pytest.mark.parametrize(("sampler", "options"), [(ddim, {}), (ddpm, {}), (ddpm, {"variance": 1.0})])
def test_with_the_exact_eps_samples_converge_to_the_truth(mixture, sampler, options):
    schedule, n = linear(), 1000
    truth = mixture.sample(40 * n, seeded(1))
    model, x_T = mixture.eps_model(schedule), normal(n, *mixture.shape)
    options = {**options, "generator": seeded(2)}
    found = [
        distance(last(sampler(model, schedule, x_T, schedule.grid(steps), **options)), truth) for steps in (5, 20, 200)
    ]
    assert found[0] > found[1] > found[2]
    chance = double([distance(mixture.sample(n, seeded(10 + i)), truth) for i in range(20)])  # what true samples score
    assert found[2] < chance.mean() + 3 * chance.std() < 0.7 * found[0]


@pytest.mark.parametrize("sampler", [ddim, ddpm])
def test_with_the_exact_eps_of_scans_samples_are_scans(sampler):
    model = finite().eps_model(linear())
    x_T = normal(64, 1, 8, 8)
    options = {"generator": seeded(1)} if sampler is ddpm else {}
    far, which = nearest(last(sampler(model, linear(), x_T, linear().grid(50), **options)), scans())
    assert far.max() < 0.02
    assert len(which.unique()) > 20  # of 40: noise decides which
