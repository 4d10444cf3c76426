"""The forward process: by its formulas, by sampling, against diffusers, there and back, one by one."""

from itertools import permutations

import pytest
import torch
from helpers import ALL, coarse, double, line, normal, refused, scans, seeded

from course.forward import KINDS, convert, q_posterior, q_sample, q_step
from course.metrics import w1
from course.schedules import cosine, linear

PICTURES, POINTS = (8, 1, 8, 8), (2, 2)  # B equals W: a (B,) that broadcasts along the wrong axis goes unnoticed


def test_q_sample_is_its_formula():
    x0, eps, t = normal(*PICTURES), normal(*PICTURES, seed=1), torch.arange(1, 9) * 100
    for i in range(8):
        a = linear().alpha_bar[t[i]]
        expected = a**0.5 * x0[i] + (1 - a) ** 0.5 * eps[i]
        torch.testing.assert_close(q_sample(linear(), x0, t, eps)[i], expected, rtol=1e-13, atol=1e-13)


def test_at_time_0_nothing_is_noisy():
    x0, eps = normal(*PICTURES), normal(*PICTURES, seed=1)
    assert q_sample(linear(), x0, 0, eps).equal(x0)


@pytest.mark.parametrize("make", [coarse, *ALL.values()])
def test_small_steps_shrink_the_picture_and_add_variance_as_the_jump_says(make):
    schedule = make()
    signal, variance = double([1.0]), double([0.0])  # of x_t given x_0 = 1, carried step by step
    none, unit = double([0.0]), double([1.0])
    for t in range(1, schedule.T + 1):
        signal = q_step(schedule, signal, t, none)
        kept, added = q_step(schedule, unit, t, none) ** 2, q_step(schedule, none, t, unit) ** 2
        variance = kept * variance + added
        assert added.item() == pytest.approx(schedule.beta[t].item(), rel=1e-10)
        assert signal.item() == pytest.approx(schedule.at(t).sqrt().item(), rel=1e-10)
        assert variance.item() == pytest.approx(1 - schedule.at(t).item(), rel=1e-9)


def test_one_jump_has_the_distribution_of_many_small_steps():
    schedule, n = coarse(), 40_000
    x0, jump_noise = line().sample(n, seeded(1)), normal(n, 1, seed=2)
    generator = seeded(3)
    x = line().sample(n, seeded(4))
    for t in range(1, schedule.T + 1):
        x = q_step(schedule, x, t, torch.randn(n, 1, generator=generator, dtype=torch.float64))
        if t in (1, 5, 10, 20):
            jump = q_sample(schedule, x0, t, jump_noise)
            order = torch.cat([jump, x]).flatten().argsort()
            share = torch.where(order < n, 1.0, -1.0).double().cumsum(0) / n
            assert share.abs().max() < 1.63 * (2 / n) ** 0.5  # Kolmogorov, Smirnov: 1 % of fair pairs exceed it


@pytest.mark.parametrize(("t", "s"), [(1, 0), (2, 1), (10, 9), (20, 19), (15, 4), (12, 0)])
def test_the_posterior_is_what_regression_on_samples_finds(t, s):
    schedule, n = coarse(), 100_000
    generator = seeded(t)
    x0 = torch.randn(n, 1, generator=generator, dtype=torch.float64)
    x = q_sample(schedule, x0, s, torch.randn(n, 1, generator=generator, dtype=torch.float64))
    x_s = x
    for step in range(s + 1, t + 1):
        x = q_step(schedule, x, step, torch.randn(n, 1, generator=generator, dtype=torch.float64))
    mean, std = q_posterior(schedule, x0, x, t, s)
    inputs = torch.cat([x0, x], 1)
    of_x0, of_x_t = torch.linalg.lstsq(inputs, x_s).solution.flatten().tolist()
    unit, zero = double([[1.0]]), double([[0.0]])
    error = 5 * std.item() * torch.linalg.inv(inputs.T @ inputs).diagonal().sqrt() + 1e-12  # five standard errors
    assert abs(q_posterior(schedule, unit, zero, t, s)[0].item() - of_x0) < error[0]
    assert abs(q_posterior(schedule, zero, unit, t, s)[0].item() - of_x_t) < error[1]
    assert (x_s - mean).std().item() == pytest.approx(std.item(), rel=5 / (2 * n) ** 0.5, abs=1e-12)


@pytest.mark.parametrize("n", [10, 1000])
def test_the_posterior_equals_that_of_diffusers(n, monkeypatch):
    from diffusers import DDPMScheduler
    from diffusers.schedulers import scheduling_ddpm

    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda shape, dtype=None, **_: torch.zeros(shape, dtype=dtype))
    schedule, x_t, eps = linear(), normal(*PICTURES), normal(*PICTURES, seed=1)
    theirs = DDPMScheduler(1000, variance_type="fixed_small", clip_sample=False, timestep_spacing="trailing")
    theirs.set_timesteps(n)
    theirs.alphas_cumprod = schedule.alpha_bar[1:]  # in float32, theirs would be off by 1e-3 at small t
    for t in (1000, 500, 2000 // n, 1000 // n):
        s = t - 1000 // n
        mean, std = q_posterior(schedule, convert(schedule, x_t, t, eps, "eps", "x0"), x_t, t, s)
        torch.testing.assert_close(mean, theirs.step(eps, t - 1, x_t).prev_sample, rtol=1e-10, atol=1e-10)
        assert (std**2).item() == pytest.approx(theirs._get_variance(t - 1).item(), rel=1e-10, abs=1e-19)


def test_the_posterior_of_time_0_is_the_clean_picture():
    x0, x_t = normal(*PICTURES), normal(*PICTURES, seed=1)
    mean, std = q_posterior(linear(), x0, x_t, 500, 0)
    torch.testing.assert_close(mean, x0, rtol=1e-12, atol=1e-12)
    assert std == 0


@pytest.mark.parametrize("make", ALL.values())
@pytest.mark.parametrize(("old", "new"), list(permutations(KINDS, 2)))
def test_conversions_there_and_back_change_nothing(make, old, new):
    schedule = make()
    t = torch.tensor([1, 2, 10, 100, 500, 900, 999, 1000])
    x_t, value = normal(*PICTURES), normal(*PICTURES, seed=1)
    there = convert(schedule, x_t, t, value, old, new)
    assert not there.allclose(value)
    torch.testing.assert_close(convert(schedule, x_t, t, there, new, old), value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("old", "new"), list(permutations(KINDS, 2)))
def test_conversions_agree_with_the_definitions(old, new):
    schedule, t = cosine(), torch.tensor([1, 5, 50, 100, 300, 500, 700, 990])
    x0, eps = normal(*PICTURES), normal(*PICTURES, seed=1)
    x_t, alpha_bar = q_sample(schedule, x0, t, eps), schedule.at(t, 4)
    a, b = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    named = {"x0": x0, "eps": eps, "v": a * eps - b * x0, "score": -(x_t - a * x0) / (1 - alpha_bar)}
    named["velocity"] = eps - x0
    torch.testing.assert_close(convert(schedule, x_t, t, named[old], old, new), named[new], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", ALL.values())
def test_x_t_and_v_are_a_rotation_of_x0_and_eps(make):
    schedule, t = make(), torch.arange(8) * 142 + 1
    x0, eps = normal(*PICTURES), normal(*PICTURES, seed=1)
    x_t = q_sample(schedule, x0, t, eps)
    v = convert(schedule, x_t, t, eps, "eps", "v")
    torch.testing.assert_close(x_t**2 + v**2, x0**2 + eps**2, rtol=1e-10, atol=1e-10)


def test_the_score_is_that_of_the_noise_around_the_clean_picture():
    schedule, t = linear(), torch.tensor(300)
    x0, eps = normal(5, 3), normal(5, 3, seed=1)
    x_t = q_sample(schedule, x0, t, eps).requires_grad_()
    log_q = -((x_t - schedule.at(t).sqrt() * x0) ** 2).sum() / (2 * (1 - schedule.at(t)))
    (gradient,) = torch.autograd.grad(log_q, x_t)
    torch.testing.assert_close(convert(schedule, x_t.detach(), t, eps, "eps", "score"), gradient)


def each_alone(function, t, *tensors):
    """The function on a batch of one at a time, put together again."""
    return torch.cat([function(t[i : i + 1], *(x[i : i + 1] for x in tensors)) for i in range(len(t))])


@pytest.mark.parametrize("shape", [PICTURES, POINTS])
@pytest.mark.parametrize("whole", [True, False])
def test_a_batch_equals_its_pictures_one_by_one(shape, whole):
    schedule = linear()
    a, b = normal(*shape), normal(*shape, seed=1)
    t = torch.arange(1, len(a) + 1) * 100 if whole else torch.arange(1, len(a) + 1) * 99.7
    s = t // 2
    functions = {
        "q_sample": lambda t, a, b: q_sample(schedule, a, t, b),
        "q_step": lambda t, a, b: q_step(schedule, a, t, b),
        "mean": lambda t, a, b: q_posterior(schedule, a, b, t, t // 2)[0],
        "std": lambda t, a, b: q_posterior(schedule, a, b, t, t // 2)[1],
    }
    for old, new in permutations(KINDS, 2):
        functions[f"{old} to {new}"] = lambda t, a, b, old=old, new=new: convert(schedule, a, t, b, old, new)
    for name, function in functions.items():
        torch.testing.assert_close(function(t, a, b), each_alone(function, t, a, b), rtol=1e-12, atol=1e-12, msg=name)
    assert q_posterior(schedule, a, b, t, s)[1].shape == (len(a), *[1] * (len(shape) - 1))


@pytest.mark.parametrize("time", [300, 300.0, torch.tensor(300), torch.tensor(300.0)])
def test_one_time_serves_the_whole_batch(time):
    a, b, t = normal(*PICTURES), normal(*PICTURES, seed=1), torch.full((8,), 300)
    torch.testing.assert_close(q_sample(linear(), a, time, b), q_sample(linear(), a, t, b), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_answers_keep_the_precision_of_the_pictures(dtype):
    a, b = normal(*PICTURES).to(dtype), normal(*PICTURES, seed=1).to(dtype)
    assert q_sample(linear(), a, 5, b).dtype == dtype
    assert q_step(linear(), a, 5, b).dtype == dtype
    assert {x.dtype for x in q_posterior(linear(), a, b, 5, 2)} == {dtype}
    assert {convert(linear(), a, 5, b, *kinds).dtype for kinds in permutations(KINDS, 2)} == {dtype}


def test_single_precision_is_near_double():
    t = torch.tensor([1, 2, 10, 100, 500, 900, 999, 1000])
    a, b = normal(*PICTURES), normal(*PICTURES, seed=1)
    near = q_sample(cosine(), a.float(), t, b.float()).double()
    torch.testing.assert_close(near, q_sample(cosine(), a, t, b), rtol=1e-6, atol=1e-6)


def test_noise_makes_a_bright_and_a_dark_cloud_alike():
    apart = [
        w1(*(q_sample(linear(), c + normal(4000, 1) * 0.1, t, normal(4000, 1, seed=1)) for c in (-1, 1)))
        for t in (0, 300, 1000)
    ]
    assert apart[0] > apart[1] > 50 * apart[2]


A = scans(8)
WRONG = {
    "shapes": (ValueError, r"x0 and eps must have one shape", lambda: q_sample(linear(), A, 5, A[:, :, :4])),
    "shapes of a step": (ValueError, r"x and noise must have one shape", lambda: q_step(linear(), A, 5, A[:1])),
    "shapes, posterior": (ValueError, r"x0 and x_t must have one shape", lambda: q_posterior(linear(), A, A[:1], 5, 4)),
    "shapes, convert": (ValueError, r"one shape", lambda: convert(linear(), A, 5, A[:4], "v", "x0")),
    "too few times": (ValueError, r"\(8,\), one for each", lambda: q_sample(linear(), A, torch.tensor([1, 2]), A)),
    "times in a column": (ValueError, r"\(8,\)", lambda: q_sample(linear(), A, torch.ones(8, 1), A)),
    "late": (ValueError, r"0\.\.1000.*1001", lambda: q_sample(linear(), A, 1001, A)),
    "early": (ValueError, r"0\.\.1000.*-1", lambda: q_sample(linear(), A, -1, A)),
    "no step to 0": (ValueError, r"1\.\.1000", lambda: q_step(linear(), A, 0, A)),
    "no step to 0 from 1": (ValueError, r"1\.\.1000", lambda: q_step(linear(), A, torch.arange(8), A)),
    "bytes": (TypeError, r"\[-1, 1\].*divide", lambda: q_sample(linear(), A.byte(), 5, A.byte())),
    "bytes in a step": (TypeError, r"divide", lambda: q_step(linear(), A.byte(), 5, A.byte())),
    "bytes, posterior": (TypeError, r"divide", lambda: q_posterior(linear(), A.byte(), A.byte(), 5, 1)),
    "bytes, convert": (TypeError, r"divide", lambda: convert(linear(), A.byte(), 5, A.byte(), "v", "x0")),
    "s is t": (ValueError, r"smaller", lambda: q_posterior(linear(), A, A, 5, 5)),
    "s after t": (ValueError, r"smaller", lambda: q_posterior(linear(), A, A, 5, 6)),
    "too few s": (ValueError, r"\(8,\)", lambda: q_posterior(linear(), A, A, torch.full((8,), 9), torch.ones(3))),
    "s below 0": (ValueError, r"0\.\.1000", lambda: q_posterior(linear(), A, A, 5, -1)),
    "unknown kind": (ValueError, r"'e'; known: eps, x0, v, score", lambda: convert(linear(), A, 5, A, "e", "v")),
    "unknown goal": (ValueError, r"'x_0'; known: eps, x0, v, score", lambda: convert(linear(), A, 5, A, "v", "x_0")),
    "eps from x0 at 0": (ValueError, r"t = 0.*from 1", lambda: convert(linear(), A, 0, A, "x0", "eps")),
    "score at 0": (ValueError, r"t = 0.*from 1", lambda: convert(linear(), A, torch.arange(8), A, "eps", "score")),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused(name):
    kind, words, call = WRONG[name]
    with refused(kind, words):
        call()
