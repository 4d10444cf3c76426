"""The reverse SDE: one step that is the sum of its parts, one dial for its noise, laws that the dial does not change;
and the ancestral step, which is DDPM's, and that of the library that calls it Euler."""

import pytest
import torch
from helpers import ALL, double, gaussian, line, normal, plane, seeded

from course.exact import GaussianMixture
from course.forward import normal as drawn
from course.forward import q_step, reframe
from course.metrics import w1
from course.samplers import ancestral, ddim, ddpm, last, reverse_sde
from course.samplers.langevin import langevin_step
from course.samplers.sde import reverse_step
from course.schedules import Schedule, linear

BUMPS = GaussianMixture(double([[-1.0], [1.0]]), 0.1, double([0.3, 0.7]))


@pytest.mark.parametrize(("eta", "expected"), [(1.0, 1.4472), (0.5, 1.2611), (0.0, 1.05)])
def test_a_step_by_hand(eta, expected):
    one = double([1.0])
    found = reverse_step(double([2.0]), one, 0.1, -0.5 * one, one, eta)
    assert found.item() == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0, 2.0])
def test_a_step_is_the_ode_and_a_langevin_step_from_the_same_place(eta):
    beta, h = torch.linspace(0.3, 18, 6, dtype=torch.float64), 0.02
    x, score, noise = normal(3, 6, 6, 6)
    whole = reverse_step(beta, x, h, score, noise, eta)
    ode = reverse_step(beta, x, h, score, noise, 0.0)
    for k in range(6):
        rest = langevin_step(x[k], score[k], noise[k], eta**2 * beta[k] * h) - x[k]
        torch.testing.assert_close(whole[k], ode[k] + rest, rtol=1e-13, atol=1e-13)
    assert reverse_step(beta, x, h, score, 5 * noise, 0.0).equal(ode)
    assert reverse_step(beta, x, 0.0, score, noise, eta).equal(x)


def test_the_two_parts_one_after_the_other_differ_by_the_square_of_the_step():
    mixture, x, noise = BUMPS, BUMPS.sample(2000, seeded(1)) * 0.7 + 0.7 * normal(2000, 1), normal(2000, 1, seed=2)
    differences = []
    for h in (0.02, 0.01, 0.005):
        score = mixture.score(x, 0.5)
        together = reverse_step(1.0, x, h, score, noise, 1.0)
        ode = reverse_step(1.0, x, h, score, noise, 0.0)
        apart = langevin_step(ode, mixture.score(ode, 0.5), noise, h)
        differences.append((together - apart).square().mean().sqrt().item())
    assert differences[0] / differences[1] == pytest.approx(4, rel=0.1)
    assert differences[1] / differences[2] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0, 2.0])
def test_every_eta_samples_one_law(eta):
    schedule, n = linear(), 4000
    x = last(reverse_sde(BUMPS.eps_model(schedule), schedule, normal(n, 1), schedule.grid(1000), eta=eta,
                         generator=seeded(5)))  # fmt: skip
    truth = BUMPS.sample(50 * n, seeded(7))
    chance = double([w1(BUMPS.sample(n, seeded(10 + i)), truth) for i in range(10)])
    assert w1(x, truth) < chance.mean() + 4 * chance.std()
    assert (x > 0).double().mean().item() == pytest.approx(0.7, abs=4 * (0.21 / n) ** 0.5)


def correlation(a, b):
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()


def test_only_eta_1_moves_as_the_forward_process_does():
    schedule, n = linear(), 20_000
    model, at = BUMPS.eps_model(schedule), {}
    generator = seeded(3)
    x = BUMPS.sample(n, seeded(1))
    for t in range(1, 401):
        x = q_step(schedule, x, t, drawn(x, generator))
        at[t] = x
    forward = correlation(at[400], at[300])
    found = {}
    for eta in (0.0, 0.5, 1.0, 2.0):
        x_400 = at[400]
        steps = reverse_sde(model, schedule, x_400, torch.arange(400, 299, -1), eta=eta, generator=seeded(4))
        found[eta] = correlation(x_400, last(steps))
    assert found[1.0] == pytest.approx(forward, abs=0.015)
    assert found[0.0] > 0.99 > found[0.5] + 0.05 > found[1.0] + 0.2 > found[2.0] + 0.6


@pytest.mark.parametrize(("eta", "strays"), [(0.0, 0.002), (0.5, 0.005), (1.0, 0.005)])
def test_for_small_steps_the_dial_is_that_of_ddim(eta, strays):
    schedule, grid = linear(), torch.arange(1000, 9, -1)
    model, x_T = BUMPS.eps_model(schedule), normal(2000, 1)
    one, other = (last(walk(model, schedule, x_T, grid, eta=eta, generator=seeded(8))) for walk in (reverse_sde, ddim))
    apart = (one > 0) != (other > 0)  # a path near the watershed may fall to either side
    assert apart.double().mean() <= strays
    assert (one - other)[~apart].square().mean().sqrt() < 0.02


GRIDS = {
    "linear, 50": (linear(), linear().grid(50)),
    "linear, Karras": (linear(), linear().karras_grid(15)),
    "linear, flow": (linear(), linear().flow_grid(10, 2.0)),
    "flow, 20": (ALL["flow"](), ALL["flow"]().grid(20)),
    "between whole times, not to 0": (linear(), double([999.5, 700.25, 33.3, 2.5])),
    "by hand": (Schedule(double([1, 0.9, 0.5, 0.1, 0.001])), torch.tensor([4, 3, 1, 0])),
}


@pytest.mark.parametrize("mixture", [line(), plane(), BUMPS], ids=["line", "plane", "bumps"])
@pytest.mark.parametrize("grid", GRIDS)
def test_the_ancestral_step_is_ddpm_in_another_frame(mixture, grid):
    schedule, times = GRIDS[grid]
    model, x_T = mixture.eps_model(schedule), normal(64, *mixture.shape)
    one = list(ancestral(model, schedule, x_T, times, generator=seeded(7)))
    other = list(ddpm(model, schedule, x_T, times, generator=seeded(7)))
    for a, b in zip(one, other, strict=True):
        assert a.t == b.t
        torch.testing.assert_close(a.x, b.x, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(a.x0, b.x0, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_the_ancestral_step_is_that_of_diffusers():
    from diffusers import EulerAncestralDiscreteScheduler

    schedule, model, x_T, n = linear(), gaussian().eps_model(linear()), normal(8, 1, 8, 8), 20
    theirs = EulerAncestralDiscreteScheduler(1000, timestep_spacing="trailing")
    theirs.set_timesteps(n)
    theirs.sigmas = schedule.sigma(schedule.grid(n))  # theirs are float32
    u, generator = reframe(x_T, schedule.sigma(1000), "x", "u"), seeded(3)
    walk = ancestral(model, schedule, x_T, schedule.grid(n), generator=seeded(3))
    for t, time, step in zip(schedule.grid(n)[:-1], theirs.timesteps, walk, strict=True):
        eps = model(theirs.scale_model_input(u, time), t)
        u = theirs.step(eps, time, u, generator=generator).prev_sample
        assert (reframe(step.x, schedule.sigma(step.t), "x", "u") - u).norm() / u.norm() < 1e-5
