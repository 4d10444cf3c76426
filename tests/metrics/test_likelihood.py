"""The density that an ODE carries: against mixtures whose density is known, and its error against the steps."""

import math

import pytest
import torch
from helpers import coarse, double, line, normal, plane, refused, seeded

from course.exact import GaussianMixture
from course.metrics import log_likelihood, path_log_p
from course.metrics.likelihood import divergence
from course.schedules import linear

ANGLES = torch.arange(8, dtype=torch.float64) * math.pi / 4
MIXTURES = {
    "line": line(),
    "plane": plane(),
    "ring": GaussianMixture(torch.stack([ANGLES.cos(), ANGLES.sin()], 1), 0.1),
    "Gaussian": GaussianMixture(double([[0.0, 0.0, 0.0]]), 1.0),
    "pictures": GaussianMixture(normal(3, 1, 3, 3), 0.5),
}


def known(mixture, low, n=60):
    """Noisy draws (n, ...) of a mixture at the level `low`, and their log densities (n,)."""
    clean = mixture.sample(n, seeded(1))
    u = clean + low * normal(*clean.shape, seed=2)
    at = GaussianMixture(mixture.means.reshape(-1, *mixture.shape), (mixture.stds**2 + low**2).sqrt(), mixture.weights)
    return u, at.log_density(u, 1.0)


@pytest.mark.parametrize("low", [0.02, 0.3])
@pytest.mark.parametrize("name", MIXTURES)
def test_the_density_is_that_of_the_mixture_and_the_error_falls_with_the_square_of_the_steps(name, low):
    mixture, schedule = MIXTURES[name], linear()
    u, truth = known(mixture, low)
    errors = []
    for n in (40, 80, 160):
        found, _ = log_likelihood(mixture.eps_model(schedule), schedule, u, low, n, probes=None)
        errors.append((found - truth).abs().median().item())
        print(f"{name}, sigma {low}: {n:4d} steps of Heun, error {errors[-1]:.4f} nats (median), "
              f"{(found > truth).double().mean():.2f} of them too likely")  # fmt: skip
    assert errors[2] < 0.01 * u[0].numel() < errors[0]
    if mixture.posterior_mean(torch.zeros_like(u[:1]), 1e-9).abs().max() < 1e-3:  # else noise ends a little off 0
        assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
        assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


def test_few_steps_flatter():
    u, truth = known(MIXTURES["ring"], 0.02, 200)
    model = MIXTURES["ring"].eps_model(linear())
    assert (log_likelihood(model, linear(), u, 0.02, 50, probes=None)[0] > truth).double().mean() > 0.95


def test_a_probe_is_right_on_average_and_more_probes_scatter_less():
    mixture, schedule = plane(), linear()
    u, _ = known(mixture, 0.1, 200)
    exact, end = log_likelihood(mixture.eps_model(schedule), schedule, u, 0.1, 30, probes=None)
    spread = {}
    for probes in (1, 8):
        found = [
            log_likelihood(mixture.eps_model(schedule), schedule, u, 0.1, 30, probes, generator=seeded(k))
            for k in range(6)
        ]
        assert all(u_T.allclose(end) for _, u_T in found)  # the path knows nothing of the probes
        off = torch.stack([log_p for log_p, _ in found]) - exact
        spread[probes] = off.square().mean().sqrt().item()
        assert abs(off.mean().item()) < 4 * off.mean(1).std().item() / 6**0.5
    assert spread[1] / spread[8] == pytest.approx(8**0.5, rel=0.25)


def test_the_end_of_the_path_is_noise():
    schedule, mixture = linear(), plane()
    u, _ = known(mixture, 0.05, 2000)
    _, u_T = log_likelihood(mixture.eps_model(schedule), schedule, u, 0.05, 80)
    z = u_T / schedule.sigma(1000)
    assert z.mean(0).abs().max() < 0.1
    assert (torch.cov(z.T) - torch.eye(2)).abs().max() < 0.12


def test_another_schedule_ends_elsewhere_and_finds_the_same():
    u, truth = known(plane(), 0.2)
    found, _ = log_likelihood(plane().eps_model(coarse()), coarse(), u, 0.2, 200, probes=None)
    assert (found - truth).abs().median() < 0.02  # coarse ends at sigma 24, where a law of width 1 is nearly noise


def test_labels_are_passed_on_and_the_precision_is_that_of_the_model():
    seen = []

    def model(x, t, cond):
        seen.append((x.dtype, cond))
        return 0.5 * x

    u, labels = normal(3, 1, 4, 4).float(), torch.arange(3)
    log_p, u_T = log_likelihood(model, linear(), u, n=4, cond=labels)
    assert (log_p.dtype, u_T.dtype, log_p.shape) == (torch.float64, torch.float32, (3,))
    assert len(seen) == 9  # one at each of 5 levels, one more for each of 4 steps
    assert all(dtype == torch.float32 and cond is labels for dtype, cond in seen)


def test_a_frozen_network_is_asked_and_nothing_of_it_changes():
    from course.training import pretrained

    model, schedule, _ = pretrained("04-eps")
    u = normal(4, 1, 8, 8).float()
    log_p, u_T = log_likelihood(model, schedule, u, n=3, generator=seeded())
    assert log_p.isfinite().all()
    assert not log_p.requires_grad
    assert not u_T.requires_grad
    assert all(weight.grad is None for weight in model.net.parameters())


# The parts


def test_a_path_by_hand():
    sigma, div = double([0.5, 1, 2]), double([[0.8], [0.6], [0.2]])
    assert path_log_p(sigma, double([[2.0]]), div).item() == pytest.approx(-1.362, abs=5e-4)
    assert path_log_p(sigma, double([[2.0, 2.0]]), div).item() == pytest.approx(-3.474, abs=5e-4)


def test_the_trace_is_that_of_the_whole_jacobian():
    x = normal(4, 2, 3)

    def field(x):
        return (x**3).cumsum(2) + x.flip(1)

    value, trace = divergence(field, x)
    assert value.equal(field(x))
    for one, found in zip(x, trace, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda x: field(x[None])[0], one).reshape(6, 6)
        assert found.item() == pytest.approx(jacobian.trace().item(), rel=1e-12)
    probes = [normal(4, 2, 3, seed=k).sign() for k in range(4000)]
    torch.testing.assert_close(divergence(field, x, probes)[1], trace, rtol=0.15, atol=0.3)


WRONG = {
    "no noise": {"low": 0.0},
    "beyond the table": {"low": 200.0},
    "no step": {"n": 0},
    "no probe": {"probes": 0},
    "not a number": {"low": math.nan},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_path_needs_a_beginning_a_step_and_a_probe(name):
    with refused(ValueError, r"0 < low < 157"):
        log_likelihood(plane().eps_model(linear()), linear(), normal(2, 2), **WRONG[name])


def test_bytes_have_no_density():
    with refused(TypeError, "floating point"):
        log_likelihood(plane().eps_model(linear()), linear(), normal(2, 2).byte())
