"""The exact denoisers: against brute force, against autograd, and against every model that is a little different."""

import math
from itertools import pairwise

import pytest
import torch
from helpers import coarse, double, finite, line, normal, plane, refused, scans, seeded

from course.data import load
from course.exact import FiniteSet, GaussianMixture
from course.forward import q_sample
from course.metrics import w1
from course.schedules import cosine, linear

# Overlapping and apart, on a line, on a plane and as pictures, of one and of several widths.
MIXTURES = {
    "line": line(),
    "plane": plane(),
    "equal widths": GaussianMixture(plane().means, 0.4, [1, 2, 3, 4]),
    "pictures": GaussianMixture(scans(12), torch.linspace(0.1, 0.6, 12), torch.arange(1, 13)),
    "scans": finite(),
}
every_mixture = pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES)
ALPHA_BAR = [0.99, 0.9, 0.5, 0.1, 1e-4]


def noisy(mixture, alpha_bar, n=30):
    """Draws from the noisy mixture: (n, ...)."""
    x0 = mixture.sample(n, seeded(1))
    return alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * normal(*x0.shape, seed=2)


def by_hand(mixture, x, alpha_bar):
    """Log densities of x under each noisy part, with its weight, and the guess of x_0 of each part: one by one."""
    a = alpha_bar**0.5
    logs = torch.zeros(len(x), len(mixture.means), dtype=torch.float64)
    guesses = torch.zeros(len(x), len(mixture.means), x[0].numel(), dtype=torch.float64)
    for i, one in enumerate(x.double().flatten(1)):
        parts = zip(mixture.means.double(), mixture.stds.double(), mixture.weights.double(), strict=True)
        for k, (mean, std, weight) in enumerate(parts):
            variance = alpha_bar * std**2 + 1 - alpha_bar
            distance = ((one - a * mean) ** 2).sum()
            logs[i, k] = weight.log() - distance / (2 * variance) - len(one) / 2 * (2 * math.pi * variance).log()
            guesses[i, k] = mean + a * std**2 / variance * (one - a * mean)
    return logs, guesses


@every_mixture
@pytest.mark.parametrize("alpha_bar", ALPHA_BAR)
def test_every_answer_equals_brute_force_over_all_parts(mixture, alpha_bar):
    x = noisy(mixture, alpha_bar)
    logs, guesses = by_hand(mixture, x, alpha_bar)
    share = logs.softmax(1)
    mean = (share[:, :, None] * guesses).sum(1).reshape(x.shape)
    eps = (x - alpha_bar**0.5 * mean) / (1 - alpha_bar) ** 0.5
    schedule = linear()
    t = schedule.t_at_sigma(((1 - alpha_bar) / alpha_bar) ** 0.5) if alpha_bar > 1e-3 else None
    torch.testing.assert_close(mixture.posterior(x, alpha_bar), share, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(mixture.posterior_mean(x, alpha_bar), mean, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(mixture.log_density(x, alpha_bar), logs.logsumexp(1), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(mixture.score(x, alpha_bar), -eps / (1 - alpha_bar) ** 0.5, rtol=1e-8, atol=1e-8)
    if t is not None:
        torch.testing.assert_close(mixture.eps_model(schedule)(x, t), eps, rtol=1e-8, atol=1e-8)


@every_mixture
@pytest.mark.parametrize("alpha_bar", ALPHA_BAR)
def test_the_score_is_the_gradient_of_the_log_density(mixture, alpha_bar):
    x = noisy(mixture, alpha_bar).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_density(x, alpha_bar).sum(), x)
    torch.testing.assert_close(mixture.score(x.detach(), alpha_bar), gradient, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("alpha_bar", [1.0, 0.9, 0.3, 1e-3])
def test_densities_integrate_to_one(alpha_bar):
    axis = torch.linspace(-7, 7, 701, dtype=torch.float64)
    on_line = line().log_density(axis[:, None], alpha_bar).exp().sum() * 0.02
    every_fourth = axis[::4]
    on_plane = plane().log_density(torch.cartesian_prod(every_fourth, every_fourth), alpha_bar).exp().sum() * 0.08**2
    assert on_line.item() == pytest.approx(1, abs=1e-6)
    assert on_plane.item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_float32_means_give_float64_answers_to_float64_questions(dtype):
    pictures = load("mnist_mini")[0][:60]  # bytes over 127.5: not exact in binary, as the digits are
    x = noisy(FiniteSet(pictures[:20].double()), 0.9, 20)
    logs, _ = by_hand(FiniteSet(pictures.double()), x, 0.9)
    found = FiniteSet(pictures.to(dtype)).log_density(x, 0.9)
    torch.testing.assert_close(found, logs.logsumexp(1), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("t", [1, 30, 100, 300, 600, 1000])
def test_single_precision_pictures_are_guessed_as_well_as_double_ones(t):
    pictures = load("mnist_mini")[0]
    x = q_sample(linear(), pictures[:25], t, normal(25, 1, 28, 28, dtype=torch.float32))
    near = FiniteSet(pictures).posterior_mean(x, linear().at(t))
    exact = FiniteSet(pictures.double()).posterior_mean(x.double(), linear().at(t))
    assert near.dtype == torch.float32
    torch.testing.assert_close(near.double(), exact, rtol=0, atol=1e-4)


def test_equal_widths_take_a_short_cut_to_the_same_place():
    means, weights = plane().means, [0.1, 0.2, 0.3, 0.4]
    short = GaussianMixture(means, 0.5, weights)
    # a fifth part of another width and no weight keeps to the long way
    long = GaussianMixture(torch.cat([means, means[:1]]), double([0.5] * 4 + [0.1]), [*weights, 0.0])
    assert short.one_std
    assert not long.one_std
    for alpha_bar in ALPHA_BAR:
        x = noisy(short, alpha_bar)
        torch.testing.assert_close(short.posterior_mean(x, alpha_bar), long.posterior_mean(x, alpha_bar))
        torch.testing.assert_close(short.score(x, alpha_bar), long.score(x, alpha_bar))
        torch.testing.assert_close(short.log_density(x, alpha_bar), long.log_density(x, alpha_bar))
        torch.testing.assert_close(short.posterior(x, alpha_bar), long.posterior(x, alpha_bar)[:, :4])


def test_the_order_of_the_parts_does_not_matter():
    mixture, order = plane(), [2, 0, 3, 1]
    mixed = GaussianMixture(mixture.means[order], mixture.stds[order], mixture.weights[order])
    x = noisy(mixture, 0.5)
    torch.testing.assert_close(mixed.score(x, 0.5), mixture.score(x, 0.5))
    torch.testing.assert_close(mixed.log_density(x, 0.5), mixture.log_density(x, 0.5))
    torch.testing.assert_close(mixed.posterior(x, 0.5), mixture.posterior(x, 0.5)[:, order])


def test_only_the_ratio_of_weights_matters():
    x = noisy(plane(), 0.5)
    means, stds = plane().means, plane().stds
    one, other = GaussianMixture(means, stds, [1, 2, 3, 4]), GaussianMixture(means, stds, [0.25, 0.5, 0.75, 1.0])
    torch.testing.assert_close(one.log_density(x, 0.5), other.log_density(x, 0.5))
    equal = GaussianMixture(means, stds, [7, 7, 7, 7])
    torch.testing.assert_close(GaussianMixture(means, stds).score(x, 0.5), equal.score(x, 0.5))


def test_probabilities_of_the_parts_sum_to_one():
    for mixture in MIXTURES.values():
        x = noisy(mixture, 0.3)
        share = mixture.posterior(x, 0.3)
        assert share.shape == (len(x), len(mixture.means))
        torch.testing.assert_close(share.sum(1), torch.ones(len(x), dtype=torch.float64))


def test_with_little_noise_a_scan_is_recognised_and_with_all_noise_none():
    digits, schedule = finite(), linear()
    little = digits.posterior(q_sample(schedule, scans(), 1, normal(40, 1, 8, 8)), schedule.at(1))
    torch.testing.assert_close(little, torch.eye(40, dtype=torch.float64))
    x_T = normal(40, 1, 8, 8)
    mean = digits.posterior_mean(x_T, cosine().at(1000))
    assert (mean - scans().mean(0)).abs().max() < 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("far", [1e2, 1e6, 1e12])
@pytest.mark.parametrize("name", MIXTURES)
def test_far_away_nothing_breaks(name, far, dtype):
    mixture = MIXTURES[name]
    x = far * normal(6, *mixture.shape).to(dtype)
    for t in (1, 500, 1000):
        alpha_bar = linear().at(t)
        for answer in (mixture.posterior, mixture.posterior_mean, mixture.score, mixture.log_density):
            assert answer(x, alpha_bar).isfinite().all()
            assert answer(x, alpha_bar).dtype == dtype
        if name == "scans":  # the best guess never leaves the data
            assert mixture.posterior_mean(x, alpha_bar).abs().max() <= 1 + 1e-6


def test_without_noise_a_mixture_of_wide_parts_is_itself():
    x = plane().sample(20, seeded())
    torch.testing.assert_close(plane().posterior_mean(x, 1.0), x)
    assert (plane().eps_model(linear())(x, torch.tensor(0)) == 0).all()


@pytest.mark.parametrize("name", MIXTURES)
def test_a_batch_equals_its_pictures_one_by_one(name):
    mixture, schedule = MIXTURES[name], linear()
    n = 8 if len(mixture.shape) == 3 else 2  # B = W, and as many points as dimensions
    x, t = normal(n, *mixture.shape), torch.arange(1, n + 1) * 110
    alpha_bar, eps = schedule.at(t, x.ndim), mixture.eps_model(schedule)
    for answer in (mixture.posterior, mixture.posterior_mean, mixture.score, mixture.log_density):
        alone = torch.cat([answer(x[i : i + 1], schedule.at(t[i])) for i in range(n)])
        torch.testing.assert_close(answer(x, alpha_bar), alone, rtol=1e-10, atol=1e-10)
    alone = torch.cat([eps(x[i : i + 1], t[i : i + 1]) for i in range(n)])
    torch.testing.assert_close(eps(x, t), alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("alpha_bar", [0.4, double(0.4), double([0.4]), double([0.4] * 5).reshape(5, 1, 1, 1)])
def test_alpha_bar_comes_as_a_number_or_one_for_each(alpha_bar):
    x = normal(5, 1, 8, 8)
    torch.testing.assert_close(finite().score(x, alpha_bar), finite().score(x, double([0.4] * 5)))


def other_models(mixture, schedule):
    """Models that are a little different from the exact one, by name."""
    exact = mixture.eps_model(schedule)
    k = len(mixture.means)
    means = mixture.means.reshape(k, *mixture.shape)
    direction = torch.nn.functional.normalize(normal(*mixture.shape, seed=9), dim=None)
    uneven = mixture.weights * torch.linspace(0.3, 3, k)
    return {
        "too small": lambda x, t: 0.5 * exact(x, t),
        "too large": lambda x, t: 1.5 * exact(x, t),
        "shifted": lambda x, t: exact(x, t) + 0.2 * direction,
        "bent": lambda x, t: exact(x, t) + 0.2 * torch.sin(2 * x),
        "a step late": lambda x, t: exact(x, t - 0.9) if t > 1 else 0 * x,
        "wider parts": GaussianMixture(means, mixture.stds + 0.3, mixture.weights).eps_model(schedule),
        "moved parts": GaussianMixture(means + 0.5 * direction, mixture.stds, mixture.weights).eps_model(schedule),
        "other weights": GaussianMixture(means, mixture.stds, uneven).eps_model(schedule),
        "one part lost": GaussianMixture(means[1:], mixture.stds[1:], mixture.weights[1:]).eps_model(schedule),
    }


@pytest.mark.parametrize(("name", "n"), [("line", 60_000), ("plane", 60_000), ("scans", 4_000)])
def test_no_other_model_has_a_lower_loss_at_any_time(name, n):
    mixture, schedule = MIXTURES[name], coarse()
    x0 = mixture.sample(n, seeded(1))
    eps = normal(*x0.shape, seed=2)
    for t in range(1, schedule.T + 1):
        time = torch.tensor(t)
        x_t = q_sample(schedule, x0, time, eps)
        best = mixture.eps_model(schedule)(x_t, time)
        for other, model in other_models(mixture, schedule).items():
            difference = model(x_t, time) - best
            # |eps - other|^2 - |eps - best|^2 = |difference|^2 - 2 difference (eps - best): the last has mean 0,
            # if best is the mean of eps given x_t, and is measured to one standard error
            cost, cross = difference.square().flatten(1).sum(1), (difference * (eps - best)).flatten(1).sum(1)
            error = 2 * cross.std().item() / n**0.5
            assert 2 * abs(cross.mean().item()) <= 4.5 * error + 1e-12, (other, t)
            same = cost.mean() < 1e-8  # with next to no noise, the weights of scans do not matter
            assert same or (cost - 2 * cross).mean() > 0, (other, t)
            assert not same or other == "other weights", (other, t)


@pytest.mark.parametrize("name", ["line", "plane", "pictures", "scans"])
def test_samples_are_draws_from_the_distribution(name):
    mixture, n = MIXTURES[name], 20_000
    x = mixture.sample(n, seeded()).flatten(1)
    d = x.shape[1]
    mean = mixture.weights @ mixture.means
    spread = mixture.weights @ (mixture.means - mean).square() + mixture.weights @ mixture.stds.square()
    assert ((x.mean(0) - mean).abs() <= 5 * (spread / n).sqrt() + 1e-12).all()
    torch.testing.assert_close(x.var(0), spread, rtol=0.1, atol=0.02)
    assert mixture.sample(3).shape == (3, *mixture.shape)
    if name == "scans":
        assert torch.cdist(x[:200], mixture.means).min(1).values.max() < 1e-6
    if d == 1:  # the whole shape of it: quantiles of the density, summed up on a grid
        axis = torch.linspace(-6, 6, 4001, dtype=torch.float64)
        density = mixture.log_density(axis[:, None], 1.0).exp().cumsum(0) * 0.003
        truth = axis[torch.searchsorted(density, (torch.arange(n, dtype=torch.float64) + 0.5) / n).clamp(max=4000)]
        assert w1(x, truth) < 5 * x.std() / n**0.5


def test_samples_follow_the_seed_and_nothing_else():
    assert plane().sample(5, seeded(3)).equal(plane().sample(5, seeded(3)))
    assert not plane().sample(5, seeded(3)).equal(plane().sample(5, seeded(4)))
    assert finite(dtype=torch.float32).sample(3).dtype == torch.float32


NAN = math.nan
WRONG_MIXTURES = {
    "no parts": (ValueError, r"K >= 1", lambda: GaussianMixture(torch.zeros(0, 2), 0.1)),
    "flat means": (ValueError, r"\(K, \.\.\.\)", lambda: GaussianMixture(torch.zeros(3), 0.1)),
    "whole means": (ValueError, r"floating point", lambda: GaussianMixture(torch.zeros(3, 2).long(), 0.1)),
    "too few stds": (ValueError, r"stds must be.*\(3,\)", lambda: GaussianMixture(torch.zeros(3, 2), [0.1, 0.2])),
    "too few weights": (ValueError, r"weights must be \(3,\)", lambda: GaussianMixture(torch.zeros(3, 2), 0.1, [1, 2])),
    "negative std": (ValueError, r"not negative", lambda: GaussianMixture(torch.zeros(3, 2), -0.1)),
    "negative weight": (ValueError, r"not negative", lambda: GaussianMixture(torch.zeros(2, 2), 0.1, [1, -1])),
    "no weight": (ValueError, r"some weight positive", lambda: GaussianMixture(torch.zeros(2, 2), 0.1, [0, 0])),
    "std not a number": (ValueError, r"stds", lambda: GaussianMixture(torch.zeros(2, 2), NAN)),
    "weight not a number": (ValueError, r"weights", lambda: GaussianMixture(torch.zeros(2, 2), 0.1, [1, NAN])),
    "bytes as a set": (TypeError, r"divide", lambda: FiniteSet(torch.zeros(4, 1, 8, 8).byte())),
    "pictures 0..255": (ValueError, r"\[-1, 1\], but run from 0 to 255", lambda: FiniteSet(scans() * 127.5 + 127.5)),
    "pictures not a number": (ValueError, r"\[-1, 1\]", lambda: FiniteSet(scans() * NAN)),
}


@pytest.mark.parametrize("name", WRONG_MIXTURES)
def test_what_is_no_distribution_is_refused(name):
    kind, words, make = WRONG_MIXTURES[name]
    with refused(kind, words):
        make()


def test_points_and_latents_may_lie_anywhere():
    assert FiniteSet(5 * normal(4, 2)).sample(3).shape == (3, 2)
    assert FiniteSet(5 * normal(4, 4, 8, 8)).sample(3).shape == (3, 4, 8, 8)


WRONG_QUESTIONS = {
    "another size": (ValueError, r"\(B, 1, 8, 8\)", normal(3, 1, 4, 4), 0.5),
    "too many levels": (ValueError, r"one for each of 3", normal(3, 1, 8, 8), double([0.5, 0.6])),
    "above one": (ValueError, r"\(0, 1\]", normal(3, 1, 8, 8), 1.5),
    "no signal": (ValueError, r"\(0, 1\]", normal(3, 1, 8, 8), 0.0),
    "level not a number": (ValueError, r"\(0, 1\]", normal(3, 1, 8, 8), NAN),
    "clean scans": (ValueError, r"use t >= 1", scans(3), 1.0),
    "bytes": (TypeError, r"divide", torch.zeros(3, 1, 8, 8).byte(), 0.5),
}


@pytest.mark.parametrize("name", WRONG_QUESTIONS)
@pytest.mark.parametrize("answer", ["posterior", "posterior_mean", "score", "log_density"])
def test_questions_without_an_answer_are_refused(name, answer):
    kind, words, x, alpha_bar = WRONG_QUESTIONS[name]
    with refused(kind, words):
        getattr(finite(), answer)(x, alpha_bar)


def test_a_label_for_a_model_that_knows_none_is_refused():
    with refused(ValueError, "no labels"):
        finite().eps_model(linear())(normal(2, 1, 8, 8), torch.tensor(5), torch.tensor([1, 2]))


def test_times_out_of_range_are_refused_by_the_exact_model():
    with refused(ValueError, r"0\.\.1000"):
        finite().eps_model(linear())(normal(2, 1, 8, 8), torch.tensor(1001))
    with refused(ValueError, r"use t >= 1"):
        finite().eps_model(linear())(normal(2, 1, 8, 8), torch.tensor(0))


# The flow


@every_mixture
@pytest.mark.parametrize("s", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_the_velocity_is_what_pairs_that_meet_have_on_average(mixture, s):
    x0 = mixture.sample(30, seeded(1))
    z = (1 - s) * x0 + s * normal(*x0.shape, seed=2)
    power = (1 - s) ** 2 + s**2
    logs, guesses = by_hand(mixture, z / power**0.5, (1 - s) ** 2 / power)
    mean = (logs.softmax(1)[:, :, None] * guesses).sum(1).reshape(z.shape)
    torch.testing.assert_close(mixture.velocity(z, s), (z - mean) / s, rtol=1e-8, atol=1e-7)  # eps - x0 = (z - x0) / s


@every_mixture
def test_at_the_end_a_velocity_points_away_from_the_mean_alone(mixture):
    z = normal(6, *mixture.shape)
    mean = (mixture.weights @ mixture.means.double()).reshape(mixture.shape)
    for s in (1, 1.0, torch.ones(6)):
        assert mixture.velocity(z, s).equal(z - mean)
    torch.testing.assert_close(mixture.velocity(z, 1 - 1e-9), z - mean, rtol=1e-6, atol=1e-6)


def test_at_the_start_noise_is_drawn_from_nowhere():
    """At s = 0 x_0 is z, and eps has the mean 0."""
    z = plane().sample(20, seeded())
    torch.testing.assert_close(plane().velocity(z, 0.0), -z)
    with refused(ValueError, "std 0 has no density"):
        finite().velocity(scans(4), 0.0)


def test_a_flow_along_the_velocity_ends_in_the_mixture():
    n, s = 4000, torch.linspace(1, 0, 201, dtype=torch.float64)
    z = normal(n, 1)
    for p, q in pairwise(s):
        z = z + (q - p) * line().velocity(z, p)
    truth = line().sample(100_000, seeded(3))
    chance = max(w1(line().sample(n, seeded(10 + i)), truth) for i in range(10))
    assert w1(z, truth) < 1.5 * chance


def test_each_state_may_have_its_own_time():
    z, s = normal(4, 1, 8, 8), double([0.1, 0.5, 1.0, 0.9])
    alone = torch.cat([finite().velocity(z[i : i + 1], s[i]) for i in range(4)])
    torch.testing.assert_close(finite().velocity(z, s), alone, rtol=1e-10, atol=1e-10)
    assert finite().velocity(z.float(), s).dtype == torch.float32
    for wrong in (1.5, -0.1, math.nan):
        with refused(ValueError, r"s must lie in 0\.\.1"):
            finite().velocity(z, wrong)
