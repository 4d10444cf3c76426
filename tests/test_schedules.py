"""A schedule is a table and ways to read it: against closed forms, against diffusers, and there and back."""

import math
from dataclasses import FrozenInstanceError

import pytest
import torch
from helpers import ALL, coarse, double, normal, refused

from course import schedules
from course.forward import q_sample
from course.schedules import Schedule, cosine, flow, health, linear, scaled_linear

CUSTOM = Schedule(double([1.0, 0.9, 0.5, 0.2]))
every_schedule = pytest.mark.parametrize("schedule", [make() for make in ALL.values()] + [coarse()], ids=repr)


@every_schedule
def test_beta_belongs_to_its_step(schedule):
    beta = schedule.beta
    assert beta.shape == (schedule.T + 1,)
    assert beta[0] == 0
    torch.testing.assert_close(torch.cumprod(1 - beta, 0), schedule.alpha_bar, rtol=1e-12, atol=0)


def test_betas_of_a_table_worked_by_hand():
    torch.testing.assert_close(CUSTOM.beta, double([0, 0.1, 4 / 9, 0.6]))


@pytest.mark.parametrize(
    ("make", "name", "start", "end"),
    [
        (linear, "linear", 1e-4, 0.02),
        (scaled_linear, "scaled_linear", 0.00085, 0.012),
        (cosine, "squaredcos_cap_v2", 1e-4, 0.02),
    ],
)
@pytest.mark.parametrize("T", [100, 1000])
def test_betas_equal_those_of_diffusers(make, name, start, end, T):
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(T, beta_start=start, beta_end=end, beta_schedule=name).betas.double()
    torch.testing.assert_close(make(T).beta[1:], theirs, rtol=1e-6, atol=1e-9)  # theirs are float32


def test_cosine_is_a_squared_cosine_until_the_cap():
    schedule, s = cosine(), 0.008
    f = [math.cos((t / 1000 + s) / (1 + s) * math.pi / 2) ** 2 for t in range(1000)]
    torch.testing.assert_close(schedule.alpha_bar[:1000], double(f) / f[0], rtol=1e-9, atol=0)
    assert schedule.beta[1000].item() == pytest.approx(0.999, abs=1e-12)


@every_schedule
@pytest.mark.parametrize("dtype", [torch.long, torch.int32, torch.float32, torch.float64])
def test_at_whole_times_is_the_table(schedule, dtype):
    t = torch.arange(schedule.T + 1)
    torch.testing.assert_close(schedule.at(t.to(dtype)), schedule.alpha_bar, rtol=1e-14, atol=0)


@every_schedule
def test_between_whole_times_log_alpha_bar_is_straight(schedule):
    log = schedule.alpha_bar.log()
    for low, part in ((0, 0.5), (1, 0.25), (schedule.T - 1, 0.75)):
        expected = (1 - part) * log[low] + part * log[low + 1]
        assert schedule.at(low + part).log().item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize(("ndim", "shape"), [(1, (3,)), (2, (3, 1)), (4, (3, 1, 1, 1))])
def test_at_has_the_shape_that_multiplies_pictures(ndim, shape):
    t = torch.tensor([1, 5, 9])
    for read in (linear().at, linear().sigma, linear().snr):
        assert read(t, ndim).shape == shape
        assert read(5, ndim).shape == ()
        assert read(t, ndim).dtype == torch.float64


@every_schedule
def test_sigma_and_snr_are_two_views_of_alpha_bar(schedule):
    t = torch.linspace(0.5, schedule.T, 60, dtype=torch.float64)
    alpha_bar, sigma = schedule.at(t), schedule.sigma(t)
    torch.testing.assert_close(1 / (1 + sigma**2), alpha_bar, rtol=1e-12, atol=0)
    torch.testing.assert_close(schedule.snr(t) * sigma**2, torch.ones_like(t), rtol=1e-12, atol=0)
    assert schedule.sigma(0) == 0
    assert schedule.snr(0) == math.inf


@every_schedule
def test_t_at_sigma_and_sigma_invert_each_other(schedule):
    t = torch.linspace(0, schedule.T, 3001, dtype=torch.float64)
    torch.testing.assert_close(schedule.t_at_sigma(schedule.sigma(t)), t, rtol=1e-9, atol=1e-9)
    sigma = torch.logspace(-3, math.log10(schedule.sigma(schedule.T)), 500, dtype=torch.float64)
    torch.testing.assert_close(schedule.sigma(schedule.t_at_sigma(sigma)), sigma, rtol=1e-9, atol=0)


@pytest.mark.parametrize("T", [1, 2, 3, 7, 50])
def test_every_grid_falls_from_T_to_0(T):
    for n in range(1, T + 1):
        grid = linear(T).grid(n)
        assert grid.dtype == torch.long
        assert (len(grid), grid[0], grid[-1]) == (n + 1, T, 0)
        assert (grid.diff() < 0).all()
        assert grid.diff().max() - grid.diff().min() <= 1  # evenly spread


def test_a_grid_that_divides_T_has_equal_steps():
    assert linear().grid(4).tolist() == [1000, 750, 500, 250, 0]
    assert (linear().grid(50).diff() == -20).all()


@every_schedule
@pytest.mark.parametrize("n", [1, 2, 15, 100])
def test_the_karras_grid_is_even_in_a_root_of_sigma(schedule, n):
    grid = schedule.karras_grid(n)
    assert grid.dtype == torch.float64
    assert grid.shape == (n + 1,)
    assert grid[-1] == 0
    assert (grid.diff() < 0).all()
    sigma = schedule.sigma(grid)
    assert sigma[0].item() == pytest.approx(min(80.0, schedule.sigma(schedule.T).item()), rel=1e-9)
    if n > 1:
        assert grid[-2].item() == pytest.approx(1, abs=1e-9)
        steps = (sigma[:-1] ** (1 / 7)).diff()
        torch.testing.assert_close(steps, steps.mean().expand(n - 1), rtol=1e-6, atol=0)


@pytest.mark.parametrize("T", [1, 2, 1000])
@pytest.mark.parametrize("top", [0.5, 157.4, 1e6])
def test_a_flow_is_a_straight_line_in_its_share_of_noise(T, top):
    schedule, t = flow(T, top), torch.arange(T + 1)
    assert schedule.sigma(T).item() == pytest.approx(top, rel=1e-9)
    s = 1 - 1 / (1 + schedule.sigma(t))
    torch.testing.assert_close(s, t.double() / T * (top / (1 + top)), rtol=1e-9, atol=1e-9)
    x0, eps = normal(T + 1, 3), normal(T + 1, 3, seed=1)
    z = (1 - s)[:, None] * x0 + s[:, None] * eps
    x = z / ((1 - s) ** 2 + s**2).sqrt()[:, None]
    torch.testing.assert_close(q_sample(schedule, x0, t, eps), x, rtol=1e-8, atol=1e-8)


@every_schedule
@pytest.mark.parametrize("shift", [0.3, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("n", [1, 2, 50, 1000])
def test_the_flow_grid_is_even_in_s_and_then_shifted(schedule, n, shift):
    grid = schedule.flow_grid(n, shift)
    assert (grid.dtype, grid.shape, grid.device.type) == (torch.float64, (n + 1,), "cpu")
    assert (grid[0], grid[-1]) == (schedule.T, 0)
    assert (grid.diff() < 0).all()  # however strong the shift: a clip would give T twice
    sigma = schedule.sigma(grid) / shift
    s = sigma / (1 + sigma)
    torch.testing.assert_close(s.diff(), (-s[0] / n).expand(n), rtol=1e-6, atol=1e-9)


def test_the_flow_grid_of_a_flow_is_its_grid():
    torch.testing.assert_close(flow().flow_grid(40), flow().grid(40).double(), rtol=1e-9, atol=1e-6)


def test_a_shift_is_that_of_the_paper():
    """2403.03206, eq. 23: t_m = k t_n / (1 + (k - 1) t_n), on the times that the unshifted grid would have."""
    k, sigma = 3.0, linear().sigma(linear().flow_grid(10, 3.0))
    even = torch.linspace(1, 0, 11, dtype=torch.float64) * (sigma[0] / k / (1 + sigma[0] / k))
    torch.testing.assert_close(sigma / (1 + sigma), k * even / (1 + (k - 1) * even), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("n", "shift"), [(0, 1.0), (5, 0.0), (5, -1.0), (5, math.nan), (5, math.inf)])
def test_a_flow_grid_needs_a_step_and_a_positive_shift(n, shift):
    with refused(ValueError, "at least one step and a positive shift"):
        linear().flow_grid(n, shift)


@pytest.mark.parametrize("top", [0, -1.0, math.nan, math.inf])
def test_no_table_ends_in_pure_noise(top):
    with refused(ValueError, "positive and finite"):
        flow(10, top)


@pytest.mark.parametrize(
    ("make", "T", "alpha_bar_T", "verdict"),
    [
        (cosine, 1000, 2.43e-9, "good"),
        (linear, 1000, 4.04e-5, "good"),
        (scaled_linear, 1000, 4.66e-3, "warns"),
        (linear, 500, 6.35e-3, "warns"),
        (linear, 200, 0.132, "fails"),
        (linear, 150, 0.219, "fails"),
        (linear, 100, 0.364, "fails"),  # the betas of T = 1000 in a tenth of the steps
    ],
)
def test_health_knows_the_schedules_of_published_lessons(make, T, alpha_bar_T, verdict):
    report = health(make(T))
    assert report.verdict == verdict
    assert report.alpha_bar_T == pytest.approx(alpha_bar_T, rel=5e-3)
    assert report.amplitude == pytest.approx(alpha_bar_T**0.5, rel=5e-3)
    assert report.snr_dB == pytest.approx(10 * math.log10(alpha_bar_T / (1 - alpha_bar_T)), abs=0.03)
    assert report.sigma_T == pytest.approx(make(T).sigma(T).item(), rel=1e-12)
    assert verdict in str(report)
    assert "\n" not in str(report)


@pytest.mark.parametrize(("alpha_bar_T", "verdict"), [(0.9e-3, "good"), (1.1e-3, "warns"), (1.1e-2, "fails")])
def test_health_draws_its_lines_at_a_thousandth_and_a_hundredth(alpha_bar_T, verdict):
    assert health(Schedule(double([1, 0.5, alpha_bar_T]))).verdict == verdict


def test_health_tells_what_the_mean_of_a_picture_still_shows():
    schedule, shape = scaled_linear(), (1, 64, 64)
    assert health(schedule).mean_shows is None
    assert health(schedule, (1, 8, 8)).mean_shows == pytest.approx(0.546, abs=1e-3)
    shows = health(schedule, shape).mean_shows
    assert "mean of the picture" in str(health(schedule, shape))
    white = q_sample(schedule, torch.ones(400, *shape).double(), schedule.T, normal(400, *shape))
    means = white.mean((1, 2, 3))
    assert (means.mean() / means.std()).item() == pytest.approx(shows, rel=0.15)  # 4.4 stds, to 3.5 % each way


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([1.0, 0.5, 0.6], "fall strictly"),
        ([1.0, 0.5, 0.5], "fall strictly"),
        ([1.0, math.nan, 0.5], "fall strictly"),
        ([0.99, 0.5], r"alpha_bar\[0\] must be 1"),
        ([1.0, 0.5, 0.0], "above 0.*cap the betas"),
        ([1.0, 0.5, -0.1], "above 0"),
        ([1.0], r"shape \(1,\)"),
        ([[1.0, 0.5]], r"shape \(1, 2\)"),
        (1.0, r"shape \(\)"),
    ],
)
def test_a_table_that_is_no_schedule_is_refused(table, words):
    with refused(ValueError, words):
        Schedule(torch.tensor(table))


@pytest.mark.parametrize("t", [-1, 1001, -0.01, 1000.5, math.nan, torch.tensor([3, 1001])])
@pytest.mark.parametrize("read", ["at", "sigma", "snr"])
def test_times_outside_the_table_are_refused(t, read):
    with refused(ValueError, r"0\.\.1000"):
        getattr(linear(), read)(t)


def test_times_of_a_wrong_shape_are_refused():
    with refused(ValueError, r"\(B,\) or a number.*\(2, 1\)"):
        linear().at(torch.tensor([[1], [2]]))


@pytest.mark.parametrize("sigma", [-1.0, 158.0, math.nan])
def test_noise_levels_that_the_schedule_lacks_are_refused(sigma):
    with refused(ValueError, r"0\.\.157"):
        linear().t_at_sigma(sigma)


@pytest.mark.parametrize("n", [0, -3, 1001])
def test_grids_that_do_not_fit_are_refused(n):
    with refused(ValueError, "between 1 and T = 1000"):
        linear().grid(n)


def test_a_karras_grid_of_no_step_is_refused():
    with refused(ValueError, "at least one step"):
        linear().karras_grid(0)


@pytest.mark.parametrize("make", ALL.values())
def test_a_schedule_of_no_step_is_refused(make):
    with refused(ValueError, "T >= 1"):
        make(0)


def test_a_schedule_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        linear().alpha_bar = torch.ones(3)


def test_a_schedule_does_not_change_with_the_tensor_it_was_made_of():
    table = double([1.0, 0.5, 0.2])
    schedule = Schedule(table)
    table[1] = 0.9
    assert schedule.alpha_bar[1] == 0.5


def test_a_table_of_any_precision_is_kept_in_float64():
    assert schedules.Schedule([1, 0.5, 0.25]).alpha_bar.dtype == torch.float64
    assert Schedule(torch.tensor([1.0, 0.5])).beta.dtype == torch.float64


def test_to_keeps_table_and_name():
    moved = cosine(10).to("cpu")
    assert moved.alpha_bar.equal(cosine(10).alpha_bar)
    assert moved.name == cosine(10).name
    assert "T=10" in repr(moved)
