"""The samplers: equal to each other and to diffusers where they must be, and right where the truth is known."""

import sys
import weakref

import pytest
import torch
from helpers import ALL, coarse, double, finite, line, normal, plane, refused, scans, seeded

from course.exact import GaussianMixture
from course.forward import q_sample
from course.metrics import nearest, w1
from course.samplers import Step, ddim, ddpm, invert, last
from course.schedules import Schedule, linear

BOTH = {"ddim": ddim, "ddpm": ddpm}
every_sampler = pytest.mark.parametrize("sampler", [ddim, ddpm, invert])


def module_of(sampler):
    return sys.modules[sampler.__module__]


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


GAUSSIAN = GaussianMixture(normal(1, 1, 8, 8, seed=5), 0.4)


@pytest.mark.parametrize(("n", "tolerance"), [(50, 5e-6), (1000, 5e-5)])
@pytest.mark.parametrize("own_tables", [True, False])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_equals_that_of_diffusers(n, tolerance, own_tables, eta):
    schedule, model, x_T = linear(), GAUSSIAN.eps_model(linear()), normal(8, 1, 8, 8)
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
    schedule, model, x_T = linear(), GAUSSIAN.eps_model(linear()), normal(8, 1, 8, 8)
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


@pytest.mark.parametrize("sampler", BOTH.values(), ids=BOTH)
def test_with_the_exact_eps_of_scans_samples_are_scans(sampler):
    model = finite().eps_model(linear())
    x_T = normal(64, 1, 8, 8)
    options = {"generator": seeded(1)} if sampler is ddpm else {}
    far, which = nearest(last(sampler(model, linear(), x_T, linear().grid(50), **options)), scans())
    assert far.max() < 0.02
    assert len(which.unique()) > 20  # of 40: noise decides which


@every_sampler
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_in_is_precision_out(sampler, dtype):
    for mixture in (finite(dtype=torch.float32), finite(dtype=torch.float64)):
        for step in sampler(mixture.eps_model(linear()), linear(), normal(2, 1, 8, 8).to(dtype), linear().grid(5)):
            assert step.x.dtype == step.x0.dtype == dtype


@pytest.mark.parametrize("sampler", BOTH.values(), ids=BOTH)
def test_single_precision_ends_near_double(sampler, monkeypatch):
    model, schedule = GAUSSIAN.eps_model(linear()), linear()
    options = {} if sampler is ddpm else {"eta": 0.7}
    noises = [normal(8, 1, 8, 8, seed=i) for i in range(20)]

    ends = []
    for dtype in (torch.float64, torch.float32):
        stream = iter(noises)  # torch draws other numbers in float32 than in float64, so both are handed these
        monkeypatch.setattr(module_of(sampler), "normal", lambda x, generator, stream=stream: next(stream).to(x.dtype))
        start = normal(8, 1, 8, 8, seed=99).to(dtype)
        ends.append(last(sampler(model, schedule, start, schedule.grid(20), **options)))
    torch.testing.assert_close(ends[1].double(), ends[0], rtol=0, atol=2e-5)


def count_draws(sampler, n, **options):
    """How many normal tensors of x's shape a walk of n steps draws: seen from where its generator ends."""
    generator, twin = seeded(5), seeded(5)
    x_T = normal(4, 3, 5, 5, dtype=torch.float32)
    last(sampler(lambda x, t, cond: 0.1 * x, linear(), x_T, linear().grid(n), generator=generator, **options))
    for draws in range(n + 2):
        if generator.get_state().equal(twin.get_state()):
            return draws
        torch.randn(x_T.shape, generator=twin)
    raise AssertionError("not a whole number of draws")


@pytest.mark.parametrize("n", [1, 2, 10])
@pytest.mark.parametrize(
    ("sampler", "options"),
    [(ddpm, {}), (ddpm, {"variance": 1.0}), (ddpm, {"variance": 0.3}), (ddim, {"eta": 1.0}), (ddim, {"eta": 0.1})],
)
def test_one_normal_tensor_is_drawn_a_step_and_none_on_the_last(sampler, options, n):
    assert count_draws(sampler, n, **options) == n - 1


@pytest.mark.parametrize("n", [1, 10])
def test_ddim_without_eta_draws_nothing(n):
    assert count_draws(ddim, n) == 0


@pytest.mark.parametrize(("sampler", "options"), [(ddpm, {}), (ddpm, {"variance": 1.0}), (ddim, {"eta": 1.0})])
def test_no_noise_is_in_the_finished_picture(sampler, options):
    *_, end = sampler(finite().eps_model(linear()), linear(), normal(4, 1, 8, 8), linear().grid(10), **options)
    torch.testing.assert_close(end.x, end.x0, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("sampler", "options"), [(ddpm, {}), (ddim, {"eta": 1.0})])
def test_a_walk_that_stops_early_has_noise_in_its_end(sampler, options):
    ends = [
        last(sampler(lambda x, t, cond: 0 * x, linear(), normal(4, 2), [500, 400], generator=seeded(i), **options))
        for i in range(2)
    ]
    assert (ends[0] - ends[1]).abs().max() > 0.1


@pytest.mark.parametrize("sampler", BOTH.values(), ids=BOTH)
def test_same_seed_same_picture(sampler):
    model, x_T = finite(dtype=torch.float32).eps_model(linear()), normal(4, 1, 8, 8, dtype=torch.float32)
    options = {} if sampler is ddpm else {"eta": 1.0}
    one, same, other = (
        last(sampler(model, linear(), x_T, linear().grid(5), generator=seeded(i), **options)) for i in (1, 1, 2)
    )
    assert one.equal(same)
    assert not one.equal(other)


@pytest.mark.parametrize("sampler", BOTH.values(), ids=BOTH)
def test_steps_name_the_time_reached_and_its_state(sampler):
    schedule, x_T, seen = linear(), normal(3, 2), []

    def model(x, t, cond):
        seen.append((x, t, cond))
        return plane().eps_model(schedule)(x, t)

    grid, cond = torch.tensor([1000, 600, 250, 0]), torch.tensor([1, 2, 3])
    steps = list(sampler(model, schedule, x_T, grid, cond=cond, generator=seeded()))
    assert all(isinstance(step, Step) for step in steps)
    assert [step.t.item() for step in steps] == [600, 250, 0]
    assert len(seen) == 3  # one call a step
    for (x, t, given), start, before in zip(seen, grid, [x_T, *(step.x for step in steps)], strict=False):
        assert x.equal(before)
        assert t.tolist() == [start] * 3
        assert given is cond
    for (x, t, _), step in zip(seen, steps, strict=True):
        alpha_bar = schedule.at(t, 2)
        eps = plane().eps_model(schedule)(x, t)
        torch.testing.assert_close(alpha_bar.sqrt() * step.x0 + (1 - alpha_bar).sqrt() * eps, x)


def test_invert_asks_at_the_later_time_with_the_earlier_state():
    schedule, x_0, seen = linear(), normal(3, 2), []
    steps = list(invert(lambda x, t, cond: seen.append((x, t, cond)) or 0 * x, schedule, x_0, [900, 400, 0], cond="c"))
    assert [step.t.item() for step in steps] == [400, 900]
    assert [t.tolist() for _, t, _ in seen] == [[400] * 3, [900] * 3]
    assert seen[0][0].equal(x_0)
    assert seen[1][0].equal(steps[0].x)
    assert seen[0][2] == "c"
    torch.testing.assert_close(steps[1].x, schedule.at(900).sqrt() * x_0)  # a silent model: only the scale changes


@pytest.mark.parametrize("mixture", [plane(), GAUSSIAN], ids=["plane", "pictures"])
def test_inverted_pictures_come_back_and_the_nearer_the_more_steps(mixture):
    model, x_0, errors = mixture.eps_model(linear()), mixture.sample(50, seeded()), []
    for n in (20, 100, 500):
        grid = linear().grid(n)
        back = last(ddim(model, linear(), last(invert(model, linear(), x_0, grid)), grid))
        errors.append((back - x_0).square().mean().sqrt().item())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 0.02


def test_inverted_pictures_look_like_noise():
    x_T = last(invert(plane().eps_model(linear()), linear(), plane().sample(3000, seeded()), linear().grid(100)))
    assert x_T.mean(0).abs().max() < 5 / 3000**0.5 + 0.02
    assert (torch.cov(x_T.T) - torch.eye(2)).abs().max() < 0.1


@every_sampler
def test_gradients_are_off_inside_and_on_between_the_steps(sampler):
    weight, inside = torch.ones((), requires_grad=True), []

    def model(x, t, cond):
        inside.append(torch.is_grad_enabled())
        return weight * x

    for step in sampler(model, linear(), normal(2, 2), linear().grid(3)):
        assert torch.is_grad_enabled()
        assert not step.x.requires_grad
        assert (weight * 2).requires_grad
    assert inside == [False] * 3
    assert torch.is_grad_enabled()


@every_sampler
def test_the_start_is_left_as_it_was(sampler):
    start = normal(2, 2)
    kept = start.clone()
    last(sampler(plane().eps_model(linear()), linear(), start, linear().grid(4)))
    assert start.equal(kept)


@pytest.mark.parametrize(
    ("sampler", "options"), [(ddim, {"eta": 0.0}), (ddim, {"eta": 1.0}), (ddpm, {}), (ddpm, {"variance": 1.0})]
)
def test_a_batch_equals_its_pictures_one_by_one(sampler, options, monkeypatch):
    model, x_T = finite().eps_model(linear()), normal(8, 1, 8, 8)  # B = W
    noise = normal(10, 8, 1, 8, 8, seed=1)

    def walk(chosen):
        stream = iter(noise)
        monkeypatch.setattr(module_of(sampler), "normal", lambda x, generator: next(stream)[chosen])
        return last(sampler(model, linear(), x_T[chosen], linear().grid(10), **options))

    alone = torch.cat([walk(slice(i, i + 1)) for i in range(8)])
    torch.testing.assert_close(walk(slice(0, 8)), alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variance", [0.0, 0.25, 1.0])
def test_variance_blends_beta_tilde_and_beta(variance):
    schedule, n = coarse(), 40_000
    x_12 = torch.ones(n, 1).double()
    (step,) = ddpm(lambda x, t, cond: 0 * x, schedule, x_12, [12, 7], variance=variance, generator=seeded())
    beta = 1 - schedule.at(12) / schedule.at(7)
    tilde = beta * (1 - schedule.at(7)) / (1 - schedule.at(12))
    expected = (1 - variance) * tilde + variance * beta
    assert step.x.var().item() == pytest.approx(expected.item(), rel=5 * (2 / n) ** 0.5)


def test_last_is_the_final_state():
    steps = list(ddim(plane().eps_model(linear()), linear(), normal(3, 2), linear().grid(4)))
    assert last(iter(steps)) is steps[-1].x


def test_last_keeps_one_state_only():
    seen = []

    def watched():
        for step in ddim(plane().eps_model(linear()), linear(), normal(3, 2), linear().grid(10)):
            seen.append(weakref.ref(step))
            assert sum(ref() is not None for ref in seen) <= 2
            yield step

    last(watched())
    assert len(seen) == 10


def test_whatever_falls_is_a_grid():
    model, x_T = plane().eps_model(linear()), normal(3, 2)
    as_list = last(ddim(model, linear(), x_T, [1000, 400, 0]))
    torch.testing.assert_close(as_list, last(ddim(model, linear(), x_T, double([1000, 400, 0]))), rtol=1e-9, atol=1e-9)


WRONG_GRIDS = {
    "equal times": ([1000, 500, 500, 0], "fall strictly"),
    "rising": ([0, 500, 1000], "fall strictly"),
    "not a number": ([1000.0, float("nan"), 0.0], "fall strictly"),
    "beyond T": ([1001, 0], r"0\.\.1000.*1001"),
    "below 0": ([1000, -1], r"0\.\.1000.*-1"),
    "one time": ([1000], r"\(n \+ 1,\)"),
    "a table": ([[1000, 0]], r"\(n \+ 1,\)"),
}


@every_sampler
@pytest.mark.parametrize("name", WRONG_GRIDS)
def test_grids_that_do_not_fall_within_0_to_T_are_refused(sampler, name):
    grid, words = WRONG_GRIDS[name]
    with refused(ValueError, words):
        last(sampler(plane().eps_model(linear()), linear(), normal(2, 2), torch.tensor(grid)))


@every_sampler
def test_a_model_that_answers_with_another_shape_is_refused(sampler):
    with refused(ValueError, r"\(2, 2\), but gave \(2, 1\)"):
        last(sampler(lambda x, t, cond: x[:, :1], linear(), normal(2, 2), linear().grid(2)))


@pytest.mark.parametrize(
    ("sampler", "options", "words"),
    [
        (ddim, {"eta": 1.5}, "0 .*to 1.*1.5"),
        (ddim, {"eta": -0.1}, "0 .*to 1"),
        (ddim, {"eta": float("nan")}, "0 .*to 1"),
        (ddpm, {"variance": 2.0}, r"beta-tilde \(0\) and beta \(1\).*2"),
        (ddpm, {"variance": -1.0}, r"beta-tilde \(0\)"),
    ],
)
def test_noise_beyond_its_range_is_refused(sampler, options, words):
    with refused(ValueError, words):
        last(sampler(plane().eps_model(linear()), linear(), normal(2, 2), linear().grid(2), **options))


def test_no_step_has_no_last():
    with refused(ValueError, "no step"):
        last(iter(()))


@pytest.mark.parametrize("sampler", BOTH.values(), ids=BOTH)
def test_a_schedule_made_by_hand_serves_as_well(sampler):
    schedule = Schedule(double([1, 0.9, 0.5, 0.1, 0.001]))
    x = last(sampler(plane().eps_model(schedule), schedule, normal(50, 2), schedule.grid(4)))
    assert x.isfinite().all()
    assert q_sample(schedule, x, 4, normal(50, 2)).std() == pytest.approx(1, abs=0.2)
