"""What lesson 04 says and no cell of it proves: its cards, its stored runs, worked values, what the exercises ask."""

import importlib.util
import json

import nbformat
import pytest
import torch
import torch.nn as nn
from conftest import ROOT

from course.checkpoints import pretrained
from course.data import batches, load
from course.forward import q_sample
from course.metrics import frechet_interval, nearest, pca
from course.nets import timestep_embedding
from course.samplers import ddim, last
from course.schedules import linear
from course.train import EMA, held_out_loss, loss_fn, train
from course.unet import UNet

LESSON = ROOT / "notebooks/04_train_unet.ipynb"
SHIPPED = ("04-eps", "04-blind", "04-ema-0.9999")
ANGLES = "(t[:, None] * max_period ** (-torch.arange(dim // 2) / (dim // 2)))"
WARM = "min(decay, (1 + step) / (10 + step))"
JUMP = "({0}).sqrt() * x0 + (1 - {0}).sqrt() * eps"


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def module(name, path):
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def solution():
    return module("solution", "tests/solutions/04_train_unet.py")


@pytest.fixture(scope="module")
def maker():
    return module("make_lesson_04", "tools/make_lesson_04.py")


@pytest.fixture(scope="module")
def runs():
    return json.loads((ROOT / "data/lessons/04.json").read_text(encoding="utf-8"))["runs"]


def callable_of(name):
    """A shipped model as the lesson asks it: the blind one always at t = 1."""
    model, _, card = pretrained(name)
    always = card["recipe"].get("asked_always_at")
    return (lambda x, t, c=None: model(x, torch.full_like(t, always), c)) if always else model


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_says_what_its_weights_do(name):
    schedule, card = linear(), pretrained(name)[2]
    model, (unseen, _) = callable_of(name), load("digits", "test")
    found, _ = held_out_loss(model, schedule, unseen, generator=seeded(0))
    assert found == pytest.approx(card["metrics"]["held_out"], rel=2e-3)
    assert card["prints"] == "eps"
    assert card["data"] == "digits train"
    assert card["seconds"] > 1


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_the_distance_on_a_card_is_that_of_its_samples(name):
    schedule, card = linear(), pretrained(name)[2]
    scans, _ = load("digits", "train")
    look = pca(scans, 16)
    noise = torch.randn(500, 1, 8, 8, generator=seeded(1))
    x = last(ddim(callable_of(name), schedule, noise, schedule.grid(25))).clamp(-1, 1)
    point, _, _ = frechet_interval(look(x), look(scans), seeded(0))
    assert point == pytest.approx(card["metrics"]["frechet"][0], abs=0.05)
    assert nearest(x, scans)[0].mean().item() == pytest.approx(card["metrics"]["nearest"], abs=0.01)


@pytest.mark.slow
def test_blind_samples_are_several_times_worse_at_fifty_steps_too():
    """Question 04-5 speaks of 50 steps; the lesson takes 25 to save time."""
    schedule, (scans, _) = linear(), load("digits", "train")
    look = pca(scans, 16)
    noise = torch.randn(500, 1, 8, 8, generator=seeded(1))
    found = {}
    for name in ("04-eps", "04-blind"):
        x = last(ddim(callable_of(name), schedule, noise, schedule.grid(50))).clamp(-1, 1)
        found[name] = frechet_interval(look(x), look(scans), seeded(0))
    assert found["04-blind"][0] > 2 * found["04-eps"][0]
    assert found["04-blind"][1] > found["04-eps"][2]


def test_the_stored_runs_are_those_of_the_script(maker, runs):
    assert runs.keys() == maker.RUNS.keys()
    for name, run in runs.items():
        if "shadows" not in run and "floor" not in run:
            steps = {"half": 50, "museum": 30, "labels": 40}
            expected = next((n for key, n in steps.items() if name.startswith(key)), None)
            assert len(run["loss"]) in ({expected} if expected else {50, 100}), name
    for run in (runs["base"], runs["blind"]):
        assert len(run["per_t"]) == len(maker.TIMES)


def test_the_script_trains_as_the_package_does(maker):
    """`by_hand`, which has switches that `train` lacks, is `train` when none is used."""
    ema, cost = maker.by_train(maker.small(), 10)
    (own,), _, own_cost = maker.by_hand(maker.small(), 10)
    assert cost["loss"] == own_cost["loss"]
    for p, q in zip(ema.parameters(), own.parameters(), strict=True):
        assert torch.equal(p, q)
    (other,), _, _ = maker.by_hand(maker.small(), 10, weight=lambda t: 1 / (t + 1.0))
    assert any(not torch.equal(p, q) for p, q in zip(ema.parameters(), other.parameters(), strict=True))


def test_the_lesson_trains_the_shipped_network(runs):
    """The first thirty steps of the lesson's own training are those of the stored run behind 04-eps."""
    scans, _ = load("digits", "train")
    torch.manual_seed(0)
    net = UNet(channels=1, width=16, mults=(1, 2))
    losses = []
    for progress in train(net, linear(), batches(scans, size=64), 1000, decay=0.99, every=10):
        losses.append(progress.loss)
        if progress.step == 30:
            break
    assert losses == pytest.approx(runs["base"]["loss"][:3], rel=0.01)


def test_the_museum_is_the_loop_of_the_lesson(maker):
    """The loop that the lesson writes out gives the losses of the stored museum."""
    source = next(cell.source for cell in nbformat.read(LESSON, 4).cells if cell.id == "b2-loop")
    scans, _ = load("digits", "train")
    names = {"torch": torch, "seeded": seeded, "scans": scans, "schedule": linear(), "q_sample": q_sample}
    exec(source[: source.index("generator = seeded(0)")], names)
    torch.manual_seed(0)
    net = UNet(channels=1, width=16, mults=(1, 2))
    assert list(names["plain_loop"](net, 10)) == pytest.approx(maker.museum_loop(scans, steps=10)[1], rel=1e-5)


def test_worked_values_of_the_exercises(solution):
    table, one = torch.tensor([1, 0.64]).double(), torch.ones(1, 1, 1, 1).double()
    x_t, target = solution.my_training_pair(table, one, torch.tensor([1]), 0.5 * one)
    assert (x_t.item(), target.item()) == pytest.approx((1.1, 0.5))
    noise = torch.tensor([1.0, -1.0, 2.0, 0.0]).reshape(1, 1, 2, 2)
    assert solution.my_loss(0 * noise, noise).item() == 1.5
    told = solution.my_timestep_embedding(torch.tensor([2, 0]), 4)
    assert told[0].tolist() == pytest.approx([0.909, 0.020, -0.416, 1.000], abs=5e-4)
    assert told[1].tolist() == [0, 0, 1, 1]
    bent = solution.my_film(3 * one, torch.tensor([[0.5, -1.0]]).double())
    assert bent.item() == 3.5
    assert solution.my_ema_step(one, 0 * one, 8, 0.99).item() == 0.5


def test_solutions_equal_the_package(solution):
    schedule = linear()
    x0, eps = torch.randn(2, 4, 1, 4, 4, generator=seeded(0))
    t = torch.tensor([1, 40, 400, 1000])
    x_t, target = solution.my_training_pair(schedule.alpha_bar, x0, t, eps)
    torch.testing.assert_close(x_t, q_sample(schedule, x0, t, eps))
    assert x_t.dtype == x0.dtype
    assert target is eps
    guess = 0.3 * eps
    truth = loss_fn(lambda x, t, c: guess, schedule, x0, t, eps)
    torch.testing.assert_close(solution.my_loss(guess, eps), truth)
    torch.testing.assert_close(
        solution.my_timestep_embedding(t, 16).float(), timestep_embedding(t, 16), atol=2e-4, rtol=0
    )
    for step, decay in ((0, 0.999), (7, 0.99), (90, 0.5), (5000, 0.99)):
        start, now = nn.Linear(3, 5), nn.Linear(3, 5)
        ema = EMA(start, decay)
        ema.update(now, step)
        mine = solution.my_ema_step(start.weight.detach(), now.weight.detach(), step, decay)
        torch.testing.assert_close(mine, ema.net.weight)


@pytest.mark.parametrize(
    ("stub", "body", "verdict"),
    [
        ("ex-film-stub", "return h * (1 + e[:, :4, None, None]) + e[:, 4:, None, None]", "correct"),
        ("ex-film-stub", "return h * (1 + e[:, :4]) + e[:, 4:]", "stays flat: False"),
        ("ex-film-stub", "return h * (1 + e[:, 4:, None, None]) + e[:, :4, None, None]", "not swapped: False"),
        ("ex-film-stub", "return h * e[:, :4, None, None] + e[:, 4:, None, None]", "changes nothing: False"),
        ("ex-embedding-stub", "return timestep_embedding(t, dim)", "correct"),
        ("ex-embedding-stub", "return timestep_embedding(t / 1000, dim)", "your clock gets t / 1000"),
        ("ex-embedding-stub", "return timestep_embedding(t, dim).roll(dim // 2, 1)", "cosines come first"),
        ("ex-embedding-stub", f"return {ANGLES}.sin().repeat(1, 2)", "not yet: largest difference"),
        ("ex-embedding-stub", f"return torch.stack([{ANGLES}.sin(), {ANGLES}.cos()], 2).flatten(1)", "alternate"),
        ("ex-embedding-stub", "return timestep_embedding(t, dim, max_period**0.5)", "k is divided by d, not by d/2"),
        ("ex-ema-stub", f"return {WARM} * shadow + (1 - {WARM}) * weights", "correct"),
        ("ex-ema-stub", "return decay * shadow + (1 - decay) * weights", "d had no warm-up"),
        ("ex-ema-stub", f"return (1 - {WARM}) * shadow + {WARM} * weights", "old and new are swapped"),
        ("ex-ema-stub", "return torch.lerp(weights, shadow, (1 + step) / (10 + step))", "d went beyond the decay"),
        ("ex-loss-stub", "return (eps_hat - eps).square().mean()", "correct"),
        ("ex-loss-stub", "return (eps_hat - eps).square().sum()", "that is the sum"),
        ("ex-loss-stub", "return (eps_hat - eps).square().mean().sqrt()", "that is its root"),
        ("ex-loss-stub", "return (eps_hat - eps).mean().square()", "errors of both signs cancel"),
        ("ex-pair-stub", f"return {JUMP.format('alpha_bar[t]')}, eps", "each column, not each picture, has its own t"),
        ("ex-pair-stub", f"return {JUMP.format('alpha_bar[t][:, None, None, None]')}, eps", "correct"),
        ("ex-pair-stub", f"return {JUMP.format('alpha_bar[t - 1][:, None, None, None]')}, eps", "one entry early"),
        ("ex-pair-stub", f"return {JUMP.format('alpha_bar[t[0]]')}, eps", "the whole batch has one t"),
        ("ex-pair-stub", f"return {JUMP.format('alpha_bar[t][:, None, None, None] ** 2')}, x0", "that is x_0"),
        ("ex-pair-stub", "a = alpha_bar[t][:, None, None, None]; return a * x0 + (1 - a) * eps, eps", "add up to 0.6"),
    ],
)
def test_the_checks_of_the_lesson_tell_right_from_wrong(stub, body, verdict, capsys):
    """Each check cell, run with a known mistake or the right answer in place of its stub, names the mistake."""
    all_cells = {cell.id: cell.source for cell in nbformat.read(LESSON, 4).cells}
    names = {}
    exec(all_cells["imports"], names)
    exec(all_cells["tools"], names)
    head = all_cells[stub].split('    """')[0]
    exec(f"{head}    {body}", names)
    if stub == "ex-loss-stub":
        exec("x0, eps = torch.randn(2, 4, 1, 4, 4).double(); t = torch.tensor([1, 40, 400, 1000])", names)
    capsys.readouterr()
    exec(all_cells[stub.replace("stub", "check")], names)
    printed = capsys.readouterr().out
    assert verdict in printed
    assert ("not yet" in printed) == (verdict != "correct")


def test_every_question_is_the_one_in_the_quiz():
    """Each question cell holds the prompt and the options of its id, word for word, and every question is asked."""
    import yaml

    quiz = yaml.safe_load((ROOT / "quizzes/04_train_unet.yaml").read_text(encoding="utf-8"))
    asked = {}
    for cell in nbformat.read(LESSON, 4).cells:
        if "ask" in cell.metadata.get("course", {}):
            asked[cell.metadata["course"]["ask"]] = cell.source
    assert asked.keys() == {question["id"] for question in quiz["questions"]}
    for question in quiz["questions"]:
        assert question["prompt"]["en"] in asked[question["id"]], question["id"]
        for option in question.get("items", question["answers"]):
            if "text" in option:
                assert f"{option['id']}) {option['text']['en']}" in asked[question["id"]], question["id"]
