"""The package on a device, pretended: the same numbers as on the CPU, bit by bit, and no waits where none need be."""

import copy
from itertools import islice, product

import pretend
import pytest
import torch
from helpers import plane, scans, seeded
from trainings import finish, fresh

from course import NULL, ask, forward, metrics, viz
from course.__main__ import main
from course.data import batches, load
from course.exact import FiniteSet, GaussianMixture
from course.forward import convert, normal, q_posterior, q_sample, q_step, rename, to_flow
from course.models import as_eps, cfg, clip_x0, in_parts, retimed
from course.nets import MLP, UNet
from course.samplers import ancestral, ddim, ddpm, invert, langevin, last, reverse_sde
from course.schedules import cosine, linear
from course.teaching.exercises import find, ids
from course.training import (
    checkpoints,
    classifier,
    held_out_loss,
    load_model,
    loss_per_t,
    own_pairs,
    pair_batches,
    pretrained,
    save_model,
    train,
    train_flow,
)
from course.training.loop import loop

KINDS = ("cuda", "mps")
STEPS = 4
LOOKS = 3  # of the first step of a training at its times and labels; later ones trust


@pytest.fixture(params=["cuda", pytest.param("mps", marks=pytest.mark.slow)])
def there(request):
    with pretend.device(request.param) as device:
        yield device


def same(a, b):
    """Whether two dicts of tensors hold the same, wherever they lie, seconds apart."""
    assert a.keys() == b.keys()
    assert [name for name in a.keys() - {"seconds"} if not a[name].cpu().equal(b[name].cpu())] == []


# Schedules and the forward process


def test_a_schedule_lies_where_float64_can(there):
    schedule = cosine(50).to(there)
    assert schedule.alpha_bar.device.type == ("cpu" if there.type == "mps" else there.type)
    t = torch.tensor([0, 7, 50])
    for times in (t, t.double() / 2, 7, 7.5):
        on_cpu = cosine(50).at(times)
        moved = times.float().to(there) if torch.is_tensor(times) and times.is_floating_point() else times
        moved = moved.to(there) if torch.is_tensor(moved) else moved
        assert schedule.at(moved).cpu().equal(on_cpu)
        assert cosine(50).at(moved).equal(on_cpu)  # a table on the CPU answers to times of the device
    t = torch.tensor([1, 7, 49])
    sigma = schedule.sigma(t.to(there)).float().to(there)
    torch.testing.assert_close(schedule.t_at_sigma(sigma).cpu(), t.double(), rtol=0, atol=1e-4)
    for grid in (schedule.grid(5), schedule.karras_grid(5)):
        assert grid.device.type == "cpu"
    with pytest.raises(ValueError, match=r"t must lie in 0..50"):
        schedule.at(torch.tensor([3, 51], device=there))


def test_the_forward_process_is_that_of_the_cpu(there):
    x0, eps = torch.randn(2, 3, 1, 4, 4, generator=seeded())
    t, s = torch.tensor([1, 20, 50]), torch.tensor([0, 3, 49])
    for schedule in (cosine(50), cosine(50).to(there)):  # a table may lie where x does, or not

        def both(call, *tensors, schedule=schedule):
            here, found = call(cosine(50), *tensors), call(schedule, *(x.to(there) for x in tensors))
            here, found = ((x,) if torch.is_tensor(x) else x for x in (here, found))
            for a, b in zip(here, found, strict=True):
                assert (b.device.type, b.dtype) == (there.type, a.dtype)
                torch.testing.assert_close(b.cpu(), a, rtol=1e-6, atol=1e-6)

        both(q_sample, x0, t, eps)
        both(q_step, x0, t, eps)
        both(q_posterior, x0, eps, t, s)
        both(lambda schedule, x: q_sample(schedule, x, 7, x), x0)
        for old, new in product(forward.KINDS, repeat=2):
            both(lambda schedule, x, t, v, old=old, new=new: convert(schedule, x, t, v, old, new), x0, t, eps)
        both(lambda schedule, x, t, v: to_flow(schedule, x, t, v)[1:], x0, t, eps)
        sigma = torch.tensor([0.1, 1.0, 20.0])
        both(lambda schedule, x, sigma: rename(x, x, sigma, "v", "score", "z"), x0, sigma)


# Models and samplers


def networks():
    net = as_eps(fresh(10).requires_grad_(False), linear(), "v")
    torch.nn.init.normal_(net.net.out.weight, std=0.1)
    return net


def moved(model, schedule, device):
    return as_eps(copy.deepcopy(model.net).to(device), schedule.to(device), model.kind)


def models(device):
    """Models of pictures (1, 8, 8) on a device, by name, with whether they know labels."""
    net, schedule = moved(networks(), linear(), device), linear().to(device)
    yield "network", net, True
    yield "guided", cfg(net, 2.0), True
    yield "clipped", clip_x0(net, schedule), True
    yield "in parts", in_parts(net, 2), True
    yield "retimed", retimed(net, schedule, linear(500).to(device)), True
    yield "exact", FiniteSet(scans(40, torch.float32).to(device)).eps_model(schedule), False
    few = GaussianMixture(scans(6, torch.float32).to(device), [0.1, 0.2, 0.3, 0.1, 0.2, 0.3])
    yield "mixture", few.eps_model(schedule), False


SAMPLERS = {
    "ddim": lambda *given, **choices: ddim(*given, **choices),
    "ddim, eta 1": lambda *given, **choices: ddim(*given, eta=1.0, generator=seeded(1), **choices),
    "ddpm": lambda *given, **choices: ddpm(*given, generator=seeded(1), **choices),
    "ddpm, beta": lambda *given, **choices: ddpm(*given, variance=1.0, generator=seeded(1), **choices),
    "invert": lambda *given, **choices: invert(*given, **choices),
    "reverse_sde": lambda *given, **choices: reverse_sde(*given, generator=seeded(1), **choices),
    "ancestral": lambda *given, **choices: ancestral(*given, generator=seeded(1), **choices),
    "langevin": lambda *given, **choices: langevin(*given, steps=1, generator=seeded(1), **choices),
}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_walks_every_model_as_on_the_cpu(there, sampler):
    noise, labels = torch.randn(3, 1, 8, 8, generator=seeded()), torch.tensor([3, NULL, 9])
    for (name, here, knows), (_, far, _) in zip(models("cpu"), models(there), strict=True):
        for grid in (linear().grid(STEPS), linear().karras_grid(STEPS)):
            cond = labels if knows else None
            expected = last(SAMPLERS[sampler](here, linear(), noise, grid, cond=cond))
            cond = labels.to(there) if knows else None
            found = last(SAMPLERS[sampler](far, linear().to(there), noise.to(there), grid, cond=cond))
            assert (found.device.type, found.dtype) == (there.type, torch.float32), name
            # times that are no whole numbers are float32 on MPS
            torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())
            if grid.dtype == torch.int64:
                torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_noise_of_the_device_and_of_the_cpu(there):
    x = torch.zeros(3, 1, 8, 8, device=there)
    for generator in (None, seeded(), torch.Generator(there).manual_seed(0)):
        assert normal(x, generator).device.type == there.type
    assert normal(x, seeded()).cpu().equal(normal(x, torch.Generator(there).manual_seed(0)).cpu())
    few = GaussianMixture(scans(6, torch.float32).to(there), 0.1)
    for generator in (None, seeded(), torch.Generator(there).manual_seed(0)):
        assert few.sample(5, generator).device.type == there.type
    schedule = linear().to(there)
    walk = ddim(few.eps_model(schedule), schedule, x, schedule.grid(3), eta=1.0, generator=torch.Generator(there))
    assert last(walk).device.type == there.type


def test_what_a_mixture_tells_is_that_of_the_cpu(there):
    x = torch.randn(7, 2, generator=seeded())
    here = plane()
    here = GaussianMixture(here.means.float(), here.stds, here.weights)
    far = GaussianMixture(here.means.to(there), here.stds, here.weights)
    for alpha_bar in (0.3, linear().at(torch.arange(1, 8), 2)):
        for name in ("posterior", "posterior_mean", "score", "log_density"):
            found = getattr(far, name)(x.to(there), alpha_bar)
            assert found.device.type == there.type
            torch.testing.assert_close(found.cpu(), getattr(here, name)(x, alpha_bar))
    for s in (0.3, 1.0, torch.linspace(0.1, 1, 7)):
        torch.testing.assert_close(far.velocity(x.to(there), s).cpu(), here.velocity(x, s))


def test_a_likelihood_is_that_of_the_cpu(there):
    u, here = torch.randn(3, 1, 8, 8, generator=seeded()), networks()
    expected = metrics.log_likelihood(here, linear(), u, n=3, generator=seeded(1))
    far = moved(here, linear(), there)
    found = metrics.log_likelihood(far, linear().to(there), u.to(there), n=3, generator=seeded(1))
    assert found[1].device.type == there.type
    torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(found[1].cpu(), expected[1], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_walk_waits_for_the_device_at_its_first_call_alone(sampler):
    """At the first call the model looks at times and labels; later they are known. The grid is read once."""
    with pretend.device("cuda") as there:
        noise, labels = torch.randn(3, 1, 8, 8, generator=seeded()).to(there), torch.tensor([3, NULL, 9], device=there)
        for name, model, knows in models(there):
            for table in (linear(), linear().to(there)):
                for grid in (linear().grid(STEPS), linear().karras_grid(STEPS).to(there)):
                    walk = SAMPLERS[sampler](model, table, noise, grid, cond=labels if knows else None)
                    with pretend.reads() as first:
                        next(walk)
                    with pretend.reads() as rest:
                        assert len(list(walk)) == STEPS - 1
                    assert rest == [], name
                    assert len(first) <= 8, name


def test_what_is_wrong_is_said_on_a_device_too(there):
    model = moved(networks(), linear(), there)
    x, t = torch.zeros(2, 1, 8, 8, device=there), torch.tensor([5, 2000], device=there)
    with pytest.raises(ValueError, match=r"t must lie in 0..1000"):
        model(x, t)
    with pytest.raises(ValueError, match="labels must be whole numbers"):
        last(ddim(model, linear(), x, linear().grid(3), cond=torch.tensor([1, 10], device=there)))
    with pytest.raises(ValueError, match="every s must be smaller"):
        q_posterior(linear(), x, x, torch.tensor([5, 5], device=there), 5)


# Training


def test_a_training_is_that_of_the_cpu_and_goes_on_bit_by_bit(there):
    x, y = scans(40, torch.float32), load("digits")[1][:40]

    def training(device, steps, **choices):
        schedule = linear().to(device)
        model = as_eps(fresh(10).to(device), schedule, "v")
        return train(model, schedule, batches(x.to(device), y.to(device), 16), 4, **choices)

    on_cpu = finish(training("cpu", 4)).state()
    unbroken = finish(training(there, 4))
    same(unbroken.state(), on_cpu)
    assert {w.device.type for w in unbroken.ema.net.parameters()} == {there.type}
    state = next(islice(training(there, 4), 1, None)).state()
    same(finish(training(there, 4, state=state)).state(), on_cpu)
    same(finish(training(there, 4, state={k: v.cpu() for k, v in state.items()})).state(), on_cpu)  # as from a file
    same(finish(training("cpu", 4, state=state)).state(), on_cpu)


def test_a_flow_is_that_of_the_cpu(there):
    """On MPS its times are float32, so that it is so up to their rounding."""
    x, y = scans(40, torch.float32), load("digits")[1][:40]
    eps = torch.randn(x.shape, generator=seeded())

    def training(device):
        schedule = linear().to(device)
        model, pairs = as_eps(fresh(10).to(device), schedule, "v"), (part.to(device) for part in (x, y, eps))
        return finish(train_flow(model, schedule, pair_batches(*pairs, 16), 4)).state()

    here, far = training("cpu"), training(there)
    if there.type == "cuda":
        same(far, here)
    for name in ("net.out.weight", "ema.enter.weight"):
        torch.testing.assert_close(far[name].cpu(), here[name], rtol=1e-3, atol=1e-3)


def test_a_step_of_a_flow_waits_for_no_gpu_and_a_report_once():
    with pretend.device("cuda") as there:
        x, schedule = scans(40, torch.float32).to(there), linear().to(there)
        training = train_flow(
            as_eps(fresh().to(there), schedule, "v"), schedule, pair_batches(x, None, x, 16), 9, every=3
        )
        with pretend.reads() as reads:
            for report, _ in enumerate(training, start=1):
                assert len(reads) <= report + LOOKS, reads


def test_pairs_are_those_of_the_cpu(there):
    here = networks()
    far = moved(here, linear(), there)
    expected = own_pairs(here, linear(), (1, 8, 8), 3, calls=2, generator=seeded())
    for a, b in zip(
        own_pairs(far, linear().to(there), (1, 8, 8), 3, calls=2, generator=seeded()), expected, strict=True
    ):
        assert a.device.type == there.type
        torch.testing.assert_close(a.cpu(), b, rtol=1e-3, atol=1e-3)


def test_any_loss_on_a_device_in_parts(there):
    def squares(net, k, generator):
        x = torch.randn(16, 2, generator=generator, device=generator.device)
        return (net(x, torch.ones(16, device=x.device))[:, 0] - x.square().sum(1)).square().mean()

    def training(device, **choices):
        torch.manual_seed(0)
        return finish(loop(MLP(2, 8).to(device), squares, 3, parts=2, **choices)).state()

    same(training(there), training("cpu"))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("prints", ["v", "eps", "x0"])
def test_a_training_step_waits_for_no_gpu_and_a_report_once(precision, prints):
    with pretend.device("cuda") as there:
        x, y = scans(40, torch.float32).to(there), load("digits")[1][:40].to(there)
        schedule = linear().to(there)
        model = as_eps(fresh(10).to(there), schedule, prints)
        training = train(model, schedule, batches(x, y, 16), 9, every=3, precision=precision)
        with pretend.reads() as reads:
            for report, _ in enumerate(training, start=1):
                assert len(reads) <= report + LOOKS, reads
    assert 1 <= len(reads) <= 3 + LOOKS


def test_losses_are_judged_on_a_device(there):
    model, x = moved(networks(), linear(), there), scans(20, torch.float32)
    y = load("digits")[1][:20]
    here = networks()
    for call in (
        lambda m, s, x, y: loss_per_t(m, s, x, (1, 500, 1000), y, generator=seeded()),
        lambda m, s, x, y: torch.tensor(held_out_loss(m, s, x, y, generator=seeded())),
    ):
        torch.testing.assert_close(
            call(model, linear().to(there), x.to(there), y.to(there)).cpu(), call(here, linear(), x, y)
        )


def test_files_are_read_to_a_device_and_kept_from_it(there, tmp_path):
    model, schedule, card = pretrained("digits", there)
    assert {w.device.type for w in model.net.parameters()} == {there.type}
    x = torch.randn(4, 1, 8, 8, generator=seeded())
    walk = ddim(model, schedule, x.to(there), schedule.grid(4), cond=torch.arange(4, device=there))
    net, own, _ = pretrained("digits")
    expected = last(ddim(net, own, x, own.grid(4), cond=torch.arange(4)))
    torch.testing.assert_close(last(walk).cpu(), expected, rtol=1e-4, atol=1e-4)
    save_model(tmp_path / "a", model, schedule, card)
    again, table, _ = load_model(tmp_path / "a")
    assert table.alpha_bar.equal(own.alpha_bar)
    same(again.net.state_dict(), net.net.state_dict())
    judge, _ = classifier("mnist", there)
    features = judge.features(load("mnist_mini")[0][:8].to(there))
    assert (features.device.type, features.dtype) == (there.type, torch.float32)


def test_the_text_to_latent_network_on_a_device(there):
    from course.pipelines import TextToLatent, load_pipeline, token_ids

    pipe = load_pipeline(device="cpu")
    net = TextToLatent(pipe).eval().requires_grad_(False)
    z, t, ids = (
        torch.randn(2, 4, 8, 8, generator=seeded()),
        torch.tensor([3, 900]),
        token_ids(pipe, ["a red circle", ""]),
    )
    expected = net(z, t, ids)
    found = net.to(there)(z.to(there), t.to(there), ids.to(there))
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)


# What is measured, shown and asked


def test_metrics_measure_what_they_measure_on_the_cpu(there):
    a, b = torch.randn(40, 6, generator=seeded()), torch.randn(30, 6, generator=seeded(1)) + 0.3
    x = scans(30, torch.float32)
    calls = {
        "frechet": lambda a, b, x: metrics.frechet(a, b),
        "kid": lambda a, b, x: metrics.kid(a, b, size=20, subsets=5, generator=seeded()),
        "w1": lambda a, b, x: metrics.w1(a[:, 0], b[:, 0]),
        "interval": lambda a, b, x: metrics.frechet_interval(a, b, resamples=5, generator=seeded()),
        "bootstrap": lambda a, b, x: metrics.bootstrap(a[:, 0], resamples=20, generator=seeded()),
        "bootstrap of a share": lambda a, b, x: metrics.bootstrap(a[:, 0] > 0, resamples=20, generator=seeded()),
        "nearest": lambda a, b, x: tuple(found.tolist() for found in metrics.nearest(x[:5], x)),
        "pca": lambda a, b, x: metrics.pca(x, 3)(x[:4]).abs().flatten().tolist(),
    }
    for name, call in calls.items():
        expected, found = call(a, b, x), call(*(part.to(there) for part in (a, b, x)))
        if name == "nearest":
            assert found == expected
        else:
            assert found == pytest.approx(expected, rel=1e-5, abs=1e-6), name
    for generator in (None, torch.Generator(there).manual_seed(0)):
        metrics.kid(a.to(there), b.to(there), size=20, subsets=2, generator=generator)
        metrics.bootstrap(a.to(there), resamples=3, generator=generator)


DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def figures(x, cloud, line):
    """Every way from tensors to a figure: pictures (8, 1, 8, 8), points (N, 2), numbers (N,)."""
    yield viz.to_png(viz.pictures([x[:4], x[4:]], titles="abcd", labels="ab"), 50)
    yield viz.to_png(
        viz.curves(line, {"a": line, "b": [*line]}, {"c": line}, {"a": (line, line)}, {"d": (line, line)}), 50
    )
    yield viz.to_png(viz.points({"a": cloud, "b": cloud + 1}, limit=line[-1]), 50)
    yield viz.to_png(viz.bars({"a": line[0], "b": line[1]}, {"a": line[0], "b": line[1]}, ("c", line[2]), digits=1), 50)
    yield viz.grid_image(x).tobytes()
    yield viz.animate([x, x.flip(0)])
    yield viz.grid_array([x]).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_figures_of_any_dtype_on_any_device(there, dtype):
    """Sixteenths are the same number in every dtype, so the figures are the same, too."""
    x = (torch.randint(-16, 17, (8, 1, 8, 8), generator=seeded()) / 16).to(dtype)
    cloud, line = torch.randint(-16, 17, (9, 2), generator=seeded()).to(dtype), torch.arange(1, 9).to(dtype)
    for k, (expected, found) in enumerate(
        zip(
            figures(x.float(), cloud.float(), line.float()),
            figures(*(v.to(there) for v in (x, cloud, line))),
            strict=True,
        )
    ):
        assert found == expected, k


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_default", [False, True])
def test_exercises_are_marked_where_there_is_a_device(kind, by_default, monkeypatch):
    from course.teaching import events

    monkeypatch.setattr(events, "note", lambda *_: None)
    with pretend.device(kind) as there:
        if by_default:
            torch.set_default_device(there)
        try:
            _check_all()
        finally:
            torch.set_default_device(None)


def _check_all():
    from course import check

    for id in ids():
        exercise = find(id)
        assert check(id, exercise.truth, seed=0).status == "correct", id
        slug, wrong = next(iter(exercise.mistakes.items()))
        assert check(id, wrong, seed=0).mistake == slug, id


def test_questions_are_asked_and_marked_where_there_is_a_device(there, monkeypatch):
    from course.teaching import events, quiz

    kept = []
    monkeypatch.setattr(events, "note", lambda *noted: kept.append(noted))
    for lesson in quiz.lessons():
        for id in quiz.load(lesson):
            assert id in ask(id)._repr_mimebundle_()["text/plain"]
            ask(id).take("a" if quiz.find(id).kind != "number" else "1")
    assert len(kept) > 50


# What a process has told torch to do by default


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_default_dtype_changes_nothing(dtype, tmp_path):
    def everything():
        """What the package makes of tensors whose dtype is given, as tensors."""
        x, y = load("digits")
        yield x
        model, schedule, _ = pretrained("digits")
        yield from model.net.parameters()
        noise = torch.randn(3, 1, 8, 8, generator=seeded(), dtype=torch.float32)
        cond = torch.tensor([1, 2, 3])
        yield last(ddim(model, schedule, noise, schedule.grid(4), cond=cond, eta=0.5, generator=seeded()))
        yield last(ddpm(model, schedule, noise, schedule.karras_grid(4), cond=cond, generator=seeded()))
        yield schedule.at(500.3)[None]
        exact = FiniteSet(x[:20])
        yield last(ddim(exact.eps_model(schedule), schedule, noise, schedule.grid(4)))
        yield exact.sample(3, seeded())
        yield from finish(train(model.net.requires_grad_(True), schedule, batches(x, y, 16), 2)).ema.parameters()
        yield loss_per_t(model, schedule, x[:9], (1, 700), y[:9], seeded())
        a, b = x[:40].flatten(1)[:, 20:26], x[40:80].flatten(1)[:, 20:26]
        numbers = [metrics.frechet(a, b), *metrics.kid(a, b, 20, 3, seeded()), metrics.w1(a[:, 0], b[:, 0])]
        numbers += [
            *metrics.frechet_interval(a, b, 2, 3, seeded()),
            *metrics.bootstrap(a, resamples=3, generator=seeded()),
        ]
        yield torch.tensor(numbers, dtype=torch.float64)
        yield metrics.nearest(x[:3], x[3:40])[0]
        yield metrics.pca(x[:40], 3)(x[:5])
        yield classifier("mnist")[0].features(load("mnist_mini")[0][:2])
        torch.manual_seed(0)
        yield from checkpoints.build(pretrained("digits")[2]).parameters()

    expected = [found.detach().clone() for found in everything()]
    torch.set_default_dtype(dtype)
    try:
        found = [found.detach().clone() for found in everything()]
    finally:
        torch.set_default_dtype(torch.float32)
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert a.dtype == b.dtype, k
        assert a.equal(b), k


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_default_dtype_marks_no_exercise_wrong(dtype, monkeypatch):
    from course.teaching import events

    monkeypatch.setattr(events, "note", lambda *_: None)
    torch.set_default_dtype(dtype)
    try:
        _check_all()
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_default_device_marks_no_exercise_wrong(monkeypatch):
    from course.teaching import events

    monkeypatch.setattr(events, "note", lambda *_: None)
    torch.set_default_device("meta")
    try:
        _check_all()
        model, schedule, _ = pretrained("digits")
        noise = torch.randn(3, 1, 8, 8, generator=seeded(), device="cpu")
        assert last(ddim(model, schedule, noise, schedule.grid(3))).isfinite().all()
    finally:
        torch.set_default_device(None)


# Commands


def test_commands_compute_on_the_device(there, tmp_path, capsys):
    device = ["--device", there.type]
    small = ["--data", "digits", "--batch", "16", "--width", "8", "--steps", "3"]
    assert main(["train", *small, *device, "--out", str(tmp_path / "run")]) == 0
    assert main(["sample", str(tmp_path / "run"), "--steps", "3", "-n", "4", *device, "--label", "3", "--scale", "2",
                 "--out", str(tmp_path / "a.png")]) == 0  # fmt: skip
    assert main(["sample", "mnist", "--steps", "2", "-n", "2", *device, "--out", str(tmp_path / "b.png")]) == 0
    assert (
        main(["sample", "mnist", "--steps", "2", "-n", "2", "--device", "cpu", "--out", str(tmp_path / "c.png")]) == 0
    )
    assert (tmp_path / "b.png").stat().st_size > 500
    capsys.readouterr()


def test_the_first_loss_of_a_training_looks_at_what_it_is_given(there):
    """Later ones trust, so that no step waits: a loss that asks for t = 0 is told so, not that it diverges."""
    net = UNet(1, 8).to(there)
    x0 = torch.zeros(2, 1, 8, 8, device=there)
    schedule = linear(50).to(there)

    def loss(net, k, generator):
        t = torch.zeros(2, dtype=torch.long)
        return convert(schedule, x0, t, net(x0, t.to(there)), "x0", "eps").square().mean()

    with pytest.raises(ValueError, match="at t = 0"):
        next(loop(net, loss, 3))
