"""One Rosetta for levels, frames and predictions: there and back, from their definitions, from a mixture's derivatives,
and as the libraries and papers that bear the names have them."""

from itertools import permutations, product

import pytest
import torch
from helpers import ALL, double, finite, gaussian, line, normal, plane, refused, seeded

from course.forward import FRAMES, KINDS, TO_SIGMA, convert, level, q_sample, reframe, rename, to_flow
from course.models import as_eps, retimed
from course.samplers import ddim, last
from course.schedules import Schedule, flow, linear, scaled_linear

PRECISE = (linear(), scaled_linear())  # tables whose every name has digits enough; cosine ends at sigma 20,291
TABLES = [make() for make in ALL.values()]
SIGMAS = double([0.01, 0.3, 0.953, 3.42, 157.4])


def every_sigma(schedule):
    return schedule.sigma(torch.arange(1, schedule.T + 1))


def noisy(frame, sigma, mixture, n=40):
    """States of a mixture in a frame: (n, ...), with what they were made of."""
    x0 = mixture.sample(n, seeded(1))
    eps = normal(*x0.shape, seed=2)
    return FRAMES[frame](sigma) * (x0 + sigma * eps), x0, eps


# Levels


@pytest.mark.parametrize(("old", "new"), list(permutations(TO_SIGMA, 2)))
def test_levels_there_and_back_change_nothing(old, new):
    for schedule in TABLES:
        sigma = every_sigma(schedule)
        value = level(sigma, "sigma", old)
        there = level(value, old, new)
        assert there.isfinite().all()
        found = (level(there, new, old) - value).abs() / value.abs().clamp(min=1)
        if schedule.name in [table.name for table in PRECISE]:
            assert found.max() < 1e-12, schedule
        # alpha_bar near 1 has lost the digits of a small sigma, and s near 1 those of a large one
        assert (found <= 1e-15 * (4 + 1 / sigma**2 + sigma)).all(), schedule


def test_levels_by_hand():
    by_hand = {"alpha_bar": 0.2, "sigma": 2.0, "lam": -0.6931471805599453, "log_snr": -1.3862943611198906, "s": 2 / 3}
    for old, new in product(by_hand, repeat=2):
        assert level(by_hand[old], old, new).item() == pytest.approx(by_hand[new], rel=1e-14)
    rows = {250: (0.524, 0.953, 0.048, 0.488), 500: (0.0786, 3.42, -1.23, 0.774), 1000: (4.0e-5, 157.4, -5.06, 0.9937)}
    for t, row in rows.items():
        found = [level(linear().sigma(t), "sigma", new).item() for new in ("alpha_bar", "sigma", "lam", "s")]
        assert found == pytest.approx(row, rel=0.01)


def test_the_ends_have_names_too():
    for old, new in permutations(("alpha_bar", "sigma", "s"), 2):
        for clean_end, noise_end in ((0, 1), (1, 0)):
            ends = {"alpha_bar": (1.0, 0.0), "sigma": (0.0, torch.inf), "s": (0.0, 1.0)}
            assert level(ends[old][clean_end], old, new).item() == ends[new][clean_end]
            assert level(ends[old][noise_end], old, new).item() == ends[new][noise_end]
    assert level(torch.inf, "sigma", "lam") == -torch.inf


@pytest.mark.parametrize("schedule", TABLES, ids=repr)
def test_levels_are_those_that_a_schedule_reads(schedule):
    t = torch.linspace(0.5, schedule.T, 60, dtype=torch.float64)
    sigma = schedule.sigma(t)
    torch.testing.assert_close(level(sigma, "sigma", "alpha_bar"), schedule.at(t), rtol=1e-12, atol=0)
    torch.testing.assert_close(level(sigma, "sigma", "log_snr"), schedule.snr(t).log(), rtol=1e-9, atol=1e-9)


# Frames and predictions


@pytest.mark.parametrize(("old", "new"), list(permutations(FRAMES, 2)))
def test_frames_there_and_back_change_nothing(old, new):
    for schedule in TABLES:
        sigma = every_sigma(schedule)
        x = normal(schedule.T, 5)
        there = reframe(x, sigma, old, new)
        torch.testing.assert_close(reframe(there, sigma, new, old), x, rtol=1e-14, atol=0)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("old", "new"), list(permutations(KINDS, 2)))
def test_predictions_there_and_back_change_nothing_at_any_time_of_a_table(old, new, frame):
    for schedule in TABLES:
        sigma = every_sigma(schedule)
        column = sigma[:, None]
        x0, eps = normal(schedule.T, 6), normal(schedule.T, 6, seed=1)
        x = FRAMES[frame](column) * (x0 + column * eps)
        value = rename(eps, x, sigma, "eps", old, frame)
        there = rename(value, x, sigma, old, new, frame)
        assert there.isfinite().all()
        back = rename(there, x, sigma, new, old, frame)
        found = (back - value).abs().amax(1) / value.abs().amax(1)
        if schedule.name in [table.name for table in PRECISE]:
            assert found.max() < 1e-12, schedule
        assert (found < 1e-15 * (20 + 10 / sigma + 10 * sigma)).all(), schedule


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize(("old", "new"), list(permutations(KINDS, 2)))
@pytest.mark.parametrize("frame", FRAMES)
def test_predictions_agree_with_their_definitions(frame, old, new, sigma):
    x, x0, eps = noisy(frame, sigma, plane())
    a = 1 / (1 + sigma**2) ** 0.5
    named = {"eps": eps, "x0": x0, "v": a * eps - a * sigma * x0, "velocity": eps - x0}
    named["score"] = -eps / (FRAMES[frame](sigma) * sigma)  # the noise in this frame has that std
    found = rename(named[old], x, sigma, old, new, frame)
    torch.testing.assert_close(found, named[new], rtol=1e-10, atol=1e-11 * named[new].abs().max().item())


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("mixture", [line(), plane()], ids=["line", "plane"])
def test_a_score_is_the_slope_of_the_density_of_its_frame(mixture, frame, sigma):
    """Found by autograd from the density of the scaled variable, and renamed into the posterior mean of lesson 03."""
    state, _, _ = noisy(frame, sigma, mixture)
    x = state.clone().requires_grad_()
    alpha_bar = level(sigma, "sigma", "alpha_bar")
    log_density = mixture.log_density(reframe(x, sigma, frame, "x"), alpha_bar)  # scaling adds what has no slope
    (score,) = torch.autograd.grad(log_density.sum(), x)
    exact = mixture.posterior_mean(reframe(state, sigma, frame, "x"), alpha_bar)
    torch.testing.assert_close(rename(score, state, sigma, "score", "x0", frame), exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_the_two_ways_to_a_velocity_meet(sigma):
    """The flow's own formulas: (z - x0) / s, and -(z + s score) / (1 - s)."""
    z, _, eps = noisy("z", sigma, plane())
    s = level(sigma, "sigma", "s").item()
    velocity, x0, score = (rename(eps, z, sigma, "eps", new, "z") for new in ("velocity", "x0", "score"))
    torch.testing.assert_close((z - x0) / s, velocity, rtol=1e-9, atol=1e-9 / s)
    torch.testing.assert_close(-(z + s * score) / (1 - s), velocity, rtol=1e-9, atol=1e-10 / (1 - s))


def test_rename_and_convert_are_one():
    schedule, t = linear(), torch.tensor([1, 10, 100, 500, 1000])
    x, value = normal(5, 1, 4, 4), normal(5, 1, 4, 4, seed=1)
    for old, new in permutations(KINDS, 2):
        found = rename(value, x, schedule.sigma(t), old, new)
        torch.testing.assert_close(found, convert(schedule, x, t, value, old, new), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_answers_keep_the_precision_of_the_state(dtype):
    x, sigma = normal(4, 1, 4, 4).to(dtype), double([0.1, 1, 10, 100])
    assert reframe(x, sigma, "x", "z").dtype == dtype
    for old, new, frame in product(KINDS, KINDS, FRAMES):
        assert rename(x, x, sigma, old, new, frame).dtype == dtype
    assert {part.dtype for part in to_flow(linear(), x, 5, x)[1:]} == {dtype}
    assert level(torch.tensor(0.5, dtype=torch.float32), "s", "sigma").dtype == torch.float64


def test_a_batch_equals_its_states_one_by_one():
    x, value, sigma = normal(4, 4, 4, 4), normal(4, 4, 4, 4, seed=1), double([0.1, 1, 10, 100])  # B = W
    for old, new, frame in product(KINDS, KINDS, FRAMES):
        whole = rename(value, x, sigma, old, new, frame)
        alone = [rename(value[i : i + 1], x[i : i + 1], sigma[i], old, new, frame) for i in range(4)]
        torch.testing.assert_close(whole, torch.cat(alone), rtol=1e-12, atol=1e-12)


# The flow's names


def test_to_flow_by_hand():
    s, z, velocity = to_flow(Schedule(double([1.0, 0.2])), double([[1.0]]), torch.tensor([1]), double([[0.5]]))
    assert (s.item(), z.item(), velocity.item()) == pytest.approx((0.6667, 0.7454, -0.7361), abs=5e-5)


def test_what_to_flow_says_is_on_the_line_between_picture_and_noise():
    schedule, t = linear(), torch.tensor([0, 1, 100, 500, 1000])
    x0, eps = normal(5, 1, 4, 4), normal(5, 1, 4, 4, seed=1)
    s, z, velocity = to_flow(schedule, q_sample(schedule, x0, t, eps), t, eps)
    assert (s.shape, s[0]) == ((5,), 0)
    column = s.reshape(-1, 1, 1, 1)
    torch.testing.assert_close(z, (1 - column) * x0 + column * eps, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(velocity, eps - x0, rtol=1e-10, atol=1e-10)  # the same at every time of a line


@pytest.mark.parametrize("schedule", TABLES, ids=repr)
def test_a_network_that_prints_the_velocity_is_a_model_at_every_time_of_a_table(schedule):
    truth, t = gaussian().eps_model(schedule), torch.arange(schedule.T + 1)
    x = normal(schedule.T + 1, 1, 8, 8)

    def network(x, t, cond=None):
        return convert(schedule, x, t, truth(x, t), "eps", "velocity")

    model = as_eps(network, schedule, "velocity")
    torch.testing.assert_close(model(x, t), truth(x, t), rtol=1e-9, atol=1e-9)
    wild = as_eps(lambda x, t, cond=None: 0 * x, schedule, "velocity")  # whatever is printed, nothing is divided by 0
    assert wild(x, t).isfinite().all()


# The same, as others have it


@pytest.mark.parametrize("n", [1, 5, 20])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flows_of_diffusers_walk_as_ddim_does_on_the_same_levels(n, shift):
    from diffusers import FlowMatchEulerDiscreteScheduler

    schedule, model, x_T = linear(), gaussian().eps_model(linear()), normal(8, 1, 8, 8)
    grid = schedule.flow_grid(n, shift)
    s = level(schedule.sigma(grid), "sigma", "s")
    even = level(schedule.sigma(1000) / shift, "sigma", "s") * torch.linspace(1, 0, n + 1, dtype=torch.float64)
    theirs = FlowMatchEulerDiscreteScheduler(1000, shift=shift)
    theirs.set_timesteps(sigmas=even[:-1].tolist())  # theirs are float32, and shifted there
    torch.testing.assert_close(theirs.sigmas.double(), s, rtol=1e-6, atol=1e-6)
    z = reframe(x_T, schedule.sigma(1000), "x", "z")
    for t, time, step in zip(grid[:-1], theirs.timesteps, ddim(model, schedule, x_T, grid), strict=True):
        x = reframe(z, schedule.sigma(t), "z", "x")
        _, _, velocity = to_flow(schedule, x, t, model(x, t))
        z = theirs.step(velocity, time, z).prev_sample
        assert (reframe(step.x, schedule.sigma(step.t), "x", "z") - z).norm() / z.norm() < 1e-5
    assert z.dtype == torch.float64


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("n", [5, 50])
@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_euler_steps_of_diffusers_are_ddim_in_the_frame_u(n, kind):
    from diffusers import EulerDiscreteScheduler

    schedule, model, x_T = linear(), gaussian().eps_model(linear()), normal(8, 1, 8, 8)
    theirs = EulerDiscreteScheduler(1000, timestep_spacing="trailing", prediction_type=kind)
    theirs.set_timesteps(n)
    grid = schedule.grid(n)
    theirs.sigmas = schedule.sigma(grid)  # theirs are float32
    u = reframe(x_T, schedule.sigma(1000), "x", "u")
    name = {"epsilon": "eps", "v_prediction": "v", "sample": "x0"}[kind]
    for t, time, step in zip(grid[:-1], theirs.timesteps, ddim(model, schedule, x_T, grid), strict=True):
        x = theirs.scale_model_input(u, time)
        torch.testing.assert_close(x, reframe(u, schedule.sigma(t), "u", "x"))  # what a network is asked about is ours
        printed = rename(model(x, t), u, schedule.sigma(t), "eps", name, "u")
        u = theirs.step(printed, time, u).prev_sample
        assert (reframe(step.x, schedule.sigma(step.t), "x", "u") - u).norm() / u.norm() < 1e-5


@pytest.mark.parametrize("sigma", SIGMAS)
def test_v_is_what_edm_puts_its_skip_connection_around(sigma):
    """2206.00364, eq. 7 and table 1, with sigma_data = 1: the raw network F prints -v."""
    u, _, eps = noisy("u", sigma, plane())
    skip, out = 1 / (sigma**2 + 1), sigma / (1 + sigma**2) ** 0.5
    v, x0 = (rename(eps, u, sigma, "eps", new, "u") for new in ("v", "x0"))
    torch.testing.assert_close(skip * u + out * -v, x0, rtol=1e-10, atol=1e-10)
    score = rename(eps, u, sigma, "eps", "score", "u")
    torch.testing.assert_close((x0 - u) / sigma**2, score, rtol=1e-8, atol=1e-8)  # eq. 3


@pytest.mark.parametrize("n", [5, 20, 50])
def test_a_walk_on_the_flow_schedule_is_a_walk_on_linear_at_the_same_levels(n):
    schedule, own, net = flow(top=linear().sigma(1000).item()), linear(), finite(dtype=torch.float32)
    model, x_T = net.eps_model(own), normal(16, 1, 8, 8).float()
    on_flow = last(ddim(retimed(model, schedule, own), schedule, x_T, schedule.grid(n)))
    times = own.t_at_sigma(schedule.sigma(schedule.grid(n)).clamp(max=own.sigma(1000)))
    asked = last(ddim(lambda x, t, cond: model(x, t.float()), own, x_T, times))
    assert on_flow.equal(asked)  # bit for bit


def frames_and_clocks(model, schedule, x_T, grid, frame, clock):
    """Euler steps in a frame, with the clock that a level's name gives."""
    sigma = schedule.sigma(grid)
    state = reframe(x_T, sigma[0], "x", frame)
    for p, q, t in zip(sigma, sigma[1:], grid, strict=False):
        eps = model(reframe(state, p, frame, "x"), t)
        slope = rename(eps, state, p, "eps", "velocity" if frame == "z" else "eps", frame)
        if clock == "lam":  # du / dlam = -sigma eps; not to sigma 0
            slope = -p * slope
        state = state + (level(q, "sigma", clock) - level(p, "sigma", clock)) * slope
    return reframe(state, sigma[-1], frame, "x")


def test_euler_is_ddim_in_two_frames_by_their_own_clocks_and_not_by_another():
    schedule, model, x_T = linear(), plane().eps_model(linear()), normal(200, 2)
    grid = schedule.grid(50)[:-1]
    ours = last(ddim(model, schedule, x_T, grid))
    for frame, clock in (("u", "sigma"), ("z", "s")):
        found = frames_and_clocks(model, schedule, x_T, grid, frame, clock)
        torch.testing.assert_close(found, ours, rtol=0, atol=1e-11)
    other = frames_and_clocks(model, schedule, x_T, grid, "u", "lam")
    assert (other - ours).square().mean().sqrt() > 0.05


X = normal(4, 3)
WRONG = {
    "level": (r"unknown level 'snr'; known: alpha_bar, sigma, lam", lambda: level(0.5, "snr", "sigma")),
    "goal": (r"unknown level 't'", lambda: level(0.5, "sigma", "t")),
    "alpha_bar": (r"alpha_bar runs from 0 to 1", lambda: level(1.5, "alpha_bar", "sigma")),
    "s": (r"s runs from 0 to 1", lambda: level(double([0.5, -0.1]), "s", "sigma")),
    "sigma": (r"sigma runs from 0 to inf", lambda: level(-1.0, "sigma", "s")),
    "nan": (r"lam runs from -inf to inf", lambda: level(torch.nan, "lam", "s")),
    "frame": (r"unknown frame 'y'; known: x, u, z", lambda: reframe(X, 1.0, "x", "y")),
    "frame of a rename": (r"unknown frame 'y'", lambda: rename(X, X, 1.0, "eps", "v", "y")),
    "kind": (r"unknown kind 'flow'; known: eps, x0, v, score, velocity", lambda: rename(X, X, 1.0, "flow", "v")),
    "shapes": (r"x and eps must have one shape", lambda: rename(X[:1], X, 1.0, "eps", "v")),
    "sigmas": (r"one for each of 4 x, not 3", lambda: reframe(X, double([1, 2, 3]), "x", "u")),
    "infinite": (r"finite and not negative", lambda: reframe(X, torch.inf, "x", "u")),
    "negative": (r"finite and not negative", lambda: rename(X, X, -1.0, "eps", "v")),
    "no noise, score": (r"at sigma = 0.*score cannot be had from eps", lambda: rename(X, X, 0.0, "eps", "score")),
    "no noise, eps": (r"eps cannot be had from x0", lambda: rename(X, X, double([0, 1, 2, 3]), "x0", "eps")),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused(name):
    words, call = WRONG[name]
    with refused(ValueError, words):
        call()


def test_bytes_are_no_state():
    with refused(TypeError, "floating point"):
        reframe(X.byte(), 1.0, "x", "u")
