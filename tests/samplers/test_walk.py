"""The samplers, step by step: what they ask, draw, yield and refuse."""

import sys
import weakref

import pytest
import torch
from helpers import double, finite, gaussian, normal, plane, refused, seeded

from course.forward import q_sample
from course.samplers import Step, ancestral, ddim, ddpm, invert, langevin, last, reverse_sde
from course.schedules import Schedule, linear

DOWN = {sampler.__name__: sampler for sampler in (ddim, ddpm, reverse_sde, ancestral)}  # one call a step
every_sampler = pytest.mark.parametrize("sampler", [*DOWN.values(), invert])


def with_eta(sampler, eta):
    """The options that set the noise of a sampler, where it has any to set."""
    return {"eta": eta} if sampler in (ddim, reverse_sde) else {}


def module_of(sampler):
    return sys.modules[sampler.__module__]


@every_sampler
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_in_is_precision_out(sampler, dtype):
    for mixture in (finite(dtype=torch.float32), finite(dtype=torch.float64)):
        for step in sampler(mixture.eps_model(linear()), linear(), normal(2, 1, 8, 8).to(dtype), linear().grid(5)):
            assert step.x.dtype == step.x0.dtype == dtype


@pytest.mark.parametrize("sampler", DOWN.values(), ids=DOWN)
def test_single_precision_ends_near_double(sampler, monkeypatch):
    model, schedule = gaussian().eps_model(linear()), linear()
    options = with_eta(sampler, 0.7)
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
    [
        (ddpm, {}),
        (ddpm, {"variance": 1.0}),
        (ddpm, {"variance": 0.3}),
        (ddim, {"eta": 1.0}),
        (ddim, {"eta": 0.1}),
        (reverse_sde, {}),
        (reverse_sde, {"eta": 2.0}),
        (ancestral, {}),
    ],
)
def test_one_normal_tensor_is_drawn_a_step_and_none_on_the_last(sampler, options, n):
    assert count_draws(sampler, n, **options) == n - 1


@pytest.mark.parametrize("n", [1, 10])
def test_without_eta_nothing_is_drawn(n):
    assert count_draws(ddim, n) == count_draws(reverse_sde, n, eta=0.0) == 0


def test_langevin_draws_at_every_step_of_every_level():
    assert count_draws(langevin, 1, steps=2) == 2


@pytest.mark.parametrize(
    ("sampler", "options"),
    [(ddpm, {}), (ddpm, {"variance": 1.0}), (ddim, {"eta": 1.0}), (ancestral, {}), (langevin, {"steps": 2})],
)
def test_no_noise_is_in_the_finished_picture(sampler, options):
    *_, end = sampler(finite().eps_model(linear()), linear(), normal(4, 1, 8, 8), linear().grid(10), **options)
    torch.testing.assert_close(end.x, end.x0, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("sampler", "options"), [(ddpm, {}), (ddim, {"eta": 1.0}), (reverse_sde, {}), (ancestral, {}), (langevin, {})]
)
def test_a_walk_that_stops_early_has_noise_in_its_end(sampler, options):
    ends = [
        last(sampler(lambda x, t, cond: 0 * x, linear(), normal(4, 2), [500, 400], generator=seeded(i), **options))
        for i in range(2)
    ]
    assert (ends[0] - ends[1]).abs().max() > 0.1


@pytest.mark.parametrize("sampler", DOWN.values(), ids=DOWN)
def test_same_seed_same_picture(sampler):
    model, x_T = finite(dtype=torch.float32).eps_model(linear()), normal(4, 1, 8, 8, dtype=torch.float32)
    options = with_eta(sampler, 1.0)
    one, same, other = (
        last(sampler(model, linear(), x_T, linear().grid(5), generator=seeded(i), **options)) for i in (1, 1, 2)
    )
    assert one.equal(same)
    assert not one.equal(other)


@pytest.mark.parametrize("sampler", DOWN.values(), ids=DOWN)
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
    ("sampler", "options"),
    [
        (ddim, {"eta": 0.0}),
        (ddim, {"eta": 1.0}),
        (ddpm, {}),
        (ddpm, {"variance": 1.0}),
        (reverse_sde, {}),
        (ancestral, {}),
        (langevin, {"steps": 1}),
    ],
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
        (reverse_sde, {"eta": -0.1}, r"0 \(the ODE\) upwards.*-0.1"),
        (reverse_sde, {"eta": float("nan")}, r"0 \(the ODE\) upwards"),
        (langevin, {"steps": 0}, "at least one step and a positive rate, not 0"),
        (langevin, {"rate": 0.0}, "at least one step and a positive rate"),
    ],
)
def test_noise_beyond_its_range_is_refused(sampler, options, words):
    with refused(ValueError, words):
        last(sampler(plane().eps_model(linear()), linear(), normal(2, 2), linear().grid(2), **options))


def test_no_step_has_no_last():
    with refused(ValueError, "no step"):
        last(iter(()))


@pytest.mark.parametrize("sampler", DOWN.values(), ids=DOWN)
def test_a_schedule_made_by_hand_serves_as_well(sampler):
    schedule = Schedule(double([1, 0.9, 0.5, 0.1, 0.001]))
    x = last(sampler(plane().eps_model(schedule), schedule, normal(50, 2), schedule.grid(4)))
    assert x.isfinite().all()
    assert q_sample(schedule, x, 4, normal(50, 2)).std() == pytest.approx(1, abs=0.2)
