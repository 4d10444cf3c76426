"""`train`: real runs of a few steps, killed, resumed, starved of memory, and asked for what cannot be."""

import importlib.util
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from broken import NO_CHECKPOINT, pickled, stored, stored_before
from helpers import open_up
from PIL import Image

from course import NULL, env
from course.__main__ import main
from course.commands import train as command
from course.data import SPLITS, load
from course.models import AsEps
from course.nets import UNet
from course.schedules import linear
from course.training import recipes
from course.training import run as runs
from course.training.card import Card
from course.training.checkpoints import TABLE, describe, load_model, pretrained, read, save
from course.training.eps import held_out_loss, loss_fn, loss_per_t
from course.training.flow import own_pairs, velocity_loss
from course.training.run import CHECKPOINT, PLAN, START

SMALL = ["--data", "digits", "--batch", "32", "--width", "8", "--device", "cpu"]


@pytest.fixture
def bare():
    """No grids of samples and no report at the end: they take much longer than the few steps before them."""
    with pytest.MonkeyPatch.context() as own:
        own.setattr(command, "_draw", lambda *arguments: None)
        own.setattr(command, "_report", lambda *arguments: None)
        yield


def train(folder, *more, steps=6):
    return main(["train", *SMALL, "--steps", str(steps), "--out", str(folder), *more])


def one_line(capsys):
    """What a failed command said: one line, and no traceback. The bar of the steps is no line of ours."""
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("python -m course")]
    assert len(said) == 1
    return said[0]


def assert_same_run(a, b):
    (ours, our_card), (theirs, their_card) = read(a / CHECKPOINT), read(b / CHECKPOINT)
    assert ours.keys() == theirs.keys()
    assert {name.split(".")[0] for name in ours} >= {"net", "ema", "opt", "step"}
    for name in ours.keys() - {"seconds"}:
        assert ours[name].equal(theirs[name]), name
    assert replace(our_card, seconds=0) == replace(their_card, seconds=0)


# A run


def test_a_run_leaves_a_checkpoint_and_a_grid(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "_report", lambda *arguments: None)
    assert train(tmp_path / "deep" / "run", "--seed", "3", steps=4) == 0
    folder = tmp_path / "deep" / "run"
    assert sorted(path.name for path in folder.iterdir()) == [CHECKPOINT, PLAN, "samples"]
    assert [path.name for path in (folder / "samples").iterdir()] == ["0000004.png"]
    assert Image.open(folder / "samples" / "0000004.png").size[0] > 256
    state, card = read(folder / CHECKPOINT)
    assert (state["step"], card.step, card.data, card.shape) == (4, 4, "digits", (1, 8, 8))
    recipe = card.recipe
    assert state[TABLE].equal(linear().alpha_bar)
    assert (recipe["steps"], recipe["batch"], recipe["seed"]) == (4, 32, 3)
    assert recipe["precision"] == str(env.precision("cpu")).removeprefix("torch.")
    assert card.net == {**describe(UNet(1, 8)), "num_classes": 10}
    said = capsys.readouterr().out
    assert f"digits: 4 steps of 32 pictures, {recipe['precision']}, on" in said
    assert "images/s" in said
    assert str(folder) in said


def test_the_report_is_what_the_losses_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "_draw", lambda *arguments: None)
    monkeypatch.setattr(runs, "TIMES", (1, 500))
    split = recipes.split
    monkeypatch.setattr(recipes, "split", lambda *given: [part[:300] for part in split(*given)])
    assert train(tmp_path, steps=2) == 0
    rows = re.findall(r"^(held out|training)  (\S+) (.*?)  \(mean \+- (\S+)\)$", capsys.readouterr().out, re.MULTILINE)
    assert [name for name, *_ in rows] == ["held out", "training"]
    model, schedule, _ = load_model(tmp_path / CHECKPOINT)
    for (_, mean, losses, error), split in zip(rows, ("test", "train"), strict=True):
        x, y = (part[:300] for part in load("digits", split))
        expected = held_out_loss(model, schedule, x, y, generator=torch.Generator().manual_seed(0))
        assert (float(mean), float(error)) == pytest.approx(expected, abs=6e-5)
        torch.manual_seed(0)
        per_t = loss_per_t(model, schedule, x, runs.TIMES, y).tolist()
        assert [float(loss) for loss in losses.split()] == pytest.approx(per_t, rel=0.1)  # another draw of noise


def test_the_same_seed_is_the_same_run_and_another_is_another(tmp_path, bare):
    for name, more in {"a": (), "b": (), "c": ("--seed", "1")}.items():
        torch.rand(3)  # whatever happened before does not matter
        assert train(tmp_path / name, *more, steps=3) == 0
    assert_same_run(tmp_path / "a", tmp_path / "b")
    a, c = read(tmp_path / "a" / CHECKPOINT)[0], read(tmp_path / "c" / CHECKPOINT)[0]
    assert not a["net.enter.weight"].equal(c["net.enter.weight"])


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_each_precision_trains_and_resumes(tmp_path, precision, monkeypatch, bare, capsys):
    assert train(tmp_path / "whole", "--precision", precision) == 0
    with interrupted_at(3, monkeypatch):
        assert train(tmp_path / "parts", "--precision", precision, "--every", "1e-9") == 130
    assert read(tmp_path / "parts" / CHECKPOINT)[1].step == 3
    assert main(["train", "--resume", "--device", "cpu", "--out", str(tmp_path / "parts")]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert ("scale" in read(tmp_path / "whole" / CHECKPOINT)[0]) == (precision == "float16")


class interrupted_at:
    """Ctrl-C in the middle of a step, once this many steps are stored."""

    def __init__(self, steps, monkeypatch, error=KeyboardInterrupt):
        self.steps, self.monkeypatch, self.error = steps, monkeypatch, error

    def __enter__(self):
        calls, trials = 0, 2  # the plan tries two steps on a copy of the network

        def failing(*arguments):
            nonlocal calls
            calls += 1
            if calls == trials + self.steps + 1:
                if isinstance(self.error, float):
                    return loss_fn(*arguments) * self.error
                raise self.error
            return loss_fn(*arguments)

        self.monkeypatch.setattr("course.training.eps.loss_fn", failing)

    def __exit__(self, *_):
        self.monkeypatch.setattr("course.training.eps.loss_fn", loss_fn)


def test_a_network_without_labels_can_be_trained(tmp_path, bare):
    assert train(tmp_path, "--no-classes", steps=2) == 0
    state, card = read(tmp_path / CHECKPOINT)
    assert card.classes == 0
    assert not [name for name in state if "labels" in name]


def test_minutes_become_steps_once(tmp_path, monkeypatch, bare):
    monkeypatch.setattr(runs, "pace", lambda *arguments: 2.0)
    arguments = ["train", *SMALL, "--minutes", "0.1", "--out", str(tmp_path)]
    assert main(arguments) == 0
    state, card = read(tmp_path / CHECKPOINT)
    assert (card.recipe["steps"], state["step"]) == (3, 3)


def test_the_pace_is_measured_on_a_copy(tmp_path, bare):
    arguments = ["train", *SMALL, "--minutes", "0.001", "--out", str(tmp_path / "a")]
    assert main(arguments) == 0
    steps = read(tmp_path / "a" / CHECKPOINT)[1].recipe["steps"]
    assert 1 <= steps < 60  # of 0.06 s
    assert train(tmp_path / "b", steps=steps) == 0
    assert_same_run(tmp_path / "a", tmp_path / "b")


# Killed and resumed


def test_resuming_needs_a_run_and_says_when_it_is_over(tmp_path, capsys, bare):
    resume = ["train", "--resume", "--device", "cpu", "--out"]
    assert main([*resume, str(tmp_path / "nothing")]) == 1
    assert "cannot be read: No such file" in one_line(capsys)
    assert not (tmp_path / "nothing").exists()
    assert train(tmp_path / "run", steps=2) == 0
    assert train(tmp_path / "run", steps=2) == 1
    assert "holds a run already; --resume goes on with it" in one_line(capsys)
    assert main([*resume, str(tmp_path / "run")]) == 1
    assert "is at its last step, 2, already" in one_line(capsys)
    assert main([*resume, str(tmp_path / "run"), "--data", "mnist"]) == 1
    assert "holds a run on digits, not on mnist" in one_line(capsys)


def test_a_run_killed_before_its_first_checkpoint_knows_its_plan(tmp_path, monkeypatch, bare):
    assert train(tmp_path / "whole") == 0
    with interrupted_at(0, monkeypatch):
        assert train(tmp_path / "parts") == 130
    assert not (tmp_path / "parts" / CHECKPOINT).exists()
    assert Card.from_json((tmp_path / "parts" / PLAN).read_text()).recipe["steps"] == 6
    assert train(tmp_path / "parts") == 1  # a plan is a run already
    assert main(["train", "--resume", "--device", "cpu", "--out", str(tmp_path / "parts")]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_checkpoint_that_cannot_be_written_keeps_the_one_before(tmp_path, monkeypatch, capsys, bare):
    assert train(tmp_path / "whole") == 0
    replaced, replace = [], os.replace

    def fails_at_the_fourth(path, target):
        replaced.append(target)
        if len(replaced) == 4:
            raise OSError(28, "No space left on device")
        replace(path, target)

    monkeypatch.setattr("pathlib.Path.replace", fails_at_the_fourth)
    capsys.readouterr()
    assert train(tmp_path / "parts", "--every", "1e-9") == 1
    assert "No space left on device" in one_line(capsys)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "parts").glob("*.part")] == []
    assert read(tmp_path / "parts" / CHECKPOINT)[1].step == 2  # the first of the four is the plan
    assert main(["train", "--resume", "--device", "cpu", "--out", str(tmp_path / "parts")]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


ALONE = """
import sys
from course.__main__ import main
from course.commands import train
train._draw = train._report = lambda *arguments: None
sys.exit(main(sys.argv[1:]))
"""  # the command in a process of its own; without the pictures, nearly every moment is one of training or saving


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_run_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path, bare):
    folder, rng, steps = tmp_path / "killed", random.Random(1), 300
    course = [sys.executable, "-c", ALONE, "train", "--device", "cpu", "--out"]
    wish = ["--data", "digits", "--steps", str(steps), "--batch", "32", "--width", "8", "--every", "1e-9"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}

    def step():
        return read(folder / CHECKPOINT)[1].step if (folder / CHECKPOINT).exists() else -1

    reached = [0]
    for killed in range(3):
        process = subprocess.Popen([*course, folder, *(["--resume", "--every", "1e-9"] if killed else wish)], **quiet)
        while step() <= reached[-1] and process.poll() is None:  # so that each start gets somewhere
            time.sleep(0.01)
        time.sleep(0.2 * rng.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached.append(step())
        state, card = read(folder / CHECKPOINT)  # whatever the moment, it is whole
        assert state["step"] == card.step == reached[-1]
    assert 0 < reached[1] < reached[2] < reached[3] < steps, reached
    done = subprocess.run([*course, folder, "--resume"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert train(tmp_path / "whole", steps=steps) == 0
    assert_same_run(folder, tmp_path / "whole")


# Flows


@contextmanager
def stopped_at(steps, monkeypatch):
    """Ctrl-C in the middle of a step of a flow, once so many are stored."""
    calls, trials = 0, 2

    def failing(*arguments):
        nonlocal calls
        calls += 1
        if calls == trials + steps + 1:
            raise KeyboardInterrupt
        return velocity_loss(*arguments)

    with monkeypatch.context() as own:
        own.setattr("course.training.flow.velocity_loss", failing)
        yield


def test_a_flow_is_trained_says_so_and_goes_on(tmp_path, monkeypatch, bare, capsys):
    assert train(tmp_path / "whole", "--loss", "flow") == 0
    said = capsys.readouterr().out
    assert "digits, by flow matching: 6 steps of 32 pictures" in said
    card = read(tmp_path / "whole" / CHECKPOINT)[1]
    assert (card.recipe["loss"], card.prints) == ("flow", "v")
    with stopped_at(3, monkeypatch):
        assert train(tmp_path / "parts", "--loss", "flow", "--every", "1e-9") == 130
    assert read(tmp_path / "parts" / CHECKPOINT)[1].step == 3
    assert main(["train", "--resume", "--device", "cpu", "--out", str(tmp_path / "parts")]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert train(tmp_path / "plain", "--loss", "eps") == 0
    plain, flow = (read(tmp_path / name / CHECKPOINT) for name in ("plain", "whole"))
    assert "loss" not in plain[1].recipe
    assert not plain[0]["net.out.weight"].equal(flow[0]["net.out.weight"])


REFLOW = ["train", "--device", "cpu", "--steps", "6", "--batch", "8", "--reflow"]


@pytest.fixture
def few(bare):
    """Few pairs, drawn in few calls: a run is what it is with many."""
    with pytest.MonkeyPatch.context() as own:
        for name, value in (("pairs", 24), ("calls", 3)):
            own.setitem(recipes.REFLOW, name, value)
        yield


@pytest.mark.parametrize("stop", [0, 3], ids=["before its first checkpoint", "half-way"])
def test_a_run_is_straightened_on_pairs_of_its_own_and_goes_on(tmp_path, monkeypatch, few, capsys, stop):
    assert train(tmp_path / "taught", steps=2) == 0
    reflow = [*REFLOW, str(tmp_path / "taught"), "--out"]
    assert main([*reflow, str(tmp_path / "whole")]) == 0
    said = capsys.readouterr().out
    assert f"Drawing 24 pairs from {tmp_path / 'taught'}, 3 calls each." in said
    assert "digits, by flow matching: 6 steps of 8 pictures" in said
    (start, card), (_, source) = read(tmp_path / "whole" / START), read(tmp_path / "taught" / CHECKPOINT)
    recipe = card.recipe
    assert (card.net, card.data, card.prints) == (source.net, "digits", "v")
    assert (recipe["loss"], recipe["reflow"], recipe["pairs"]) == ("flow", str(tmp_path / "taught"), 24)
    model, schedule, _ = load_model(tmp_path / "taught" / CHECKPOINT)
    assert (start["y"] == NULL).tolist() == [True, False] * 12
    x0, eps = own_pairs(model, schedule, (1, 8, 8), 24, start["y"], 3, torch.Generator().manual_seed(0))
    assert start["x0"].equal(x0)
    assert start["eps"].equal(eps)
    assert start["net.out.weight"].equal(model.net.out.weight)
    with stopped_at(stop, monkeypatch):
        assert main([*reflow, str(tmp_path / "parts"), "--every", "1e-9"]) == 130
    shutil.rmtree(tmp_path / "taught")  # what the run needs lies in its own folder
    assert main(["train", "--resume", "--device", "cpu", "--out", str(tmp_path / "parts")]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_network_that_ships_is_straightened_without_labels(tmp_path, few):
    assert main([*REFLOW, "digits", "--no-classes", "--seed", "3", "--out", str(tmp_path / "a")]) == 0
    start, card = read(tmp_path / "a" / START)
    assert "y" not in start
    assert (card.recipe["reflow"], card.recipe["labelled"], card.recipe["seed"]) == ("digits", False, 3)
    model, _, found = load_model(tmp_path / "a" / CHECKPOINT)
    assert found.step == 6
    before = pretrained("digits")[0].net.state_dict()
    moved = {name: (x - before[name]).abs().max().item() for name, x in model.net.state_dict().items()}
    assert 0 < max(moved.values()) < 0.1  # fine-tuned: it began where it was


WRONG_REFLOWS = {
    "nothing there": (["nothing"], "neither a folder nor a file of `train`", 2),
    "no model": (["classifier-mnist"], "neither a folder", 2),
    "another loss": (["digits", "--loss", "eps"], "leave --loss eps and --width away", 2),
    "another width": (["digits", "--width", "16"], "leave --loss eps and --width away", 2),
    "other data": (["digits", "--data", "mnist_mini"], "digits learned from digits, not from mnist_mini", 2),
    "no recipe": (["04-eps"], "04-eps learned from 'digits train', for which there is no recipe", 2),
}


@pytest.mark.parametrize("name", WRONG_REFLOWS)
def test_what_cannot_be_straightened_is_one_line(tmp_path, capsys, name):
    wish, words, status = WRONG_REFLOWS[name]
    assert main([*REFLOW, *wish, "--out", str(tmp_path / "a")]) == status
    assert words in one_line(capsys)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("broken", ["missing", "of another kind", "damaged"])
def test_a_reflow_without_its_pairs_cannot_go_on(tmp_path, capsys, few, monkeypatch, broken):
    with stopped_at(2, monkeypatch):
        assert main([*REFLOW, "digits", "--out", str(tmp_path), "--every", "1e-9"]) == 130
    capsys.readouterr()
    if broken == "missing":
        (tmp_path / START).unlink()
    elif broken == "damaged":
        (tmp_path / START).write_bytes((tmp_path / START).read_bytes()[:1000])
    else:
        save(tmp_path / START, {"x": torch.zeros(3)}, Card())
    assert resumed(tmp_path) == 1
    assert START in one_line(capsys)


# What goes wrong on the way


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_divergence_keeps_the_last_good_checkpoint(tmp_path, monkeypatch, capsys, bare, value):
    assert train(tmp_path / "whole") == 0
    with interrupted_at(4, monkeypatch, value):
        assert train(tmp_path / "parts", "--every", "1e-9") == 1
    said = one_line(capsys)
    assert "training stopped: the loss is" in said
    assert "near step 5" in said
    assert str(tmp_path / "parts" / CHECKPOINT) in said
    assert read(tmp_path / "parts" / CHECKPOINT)[1].step == 4
    assert load_model(tmp_path / "parts" / CHECKPOINT)
    assert main(["train", "--resume", "--device", "cpu", "--out", str(tmp_path / "parts")]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_learning_rate_that_blows_up_is_one_line(tmp_path, monkeypatch, capsys, bare):
    monkeypatch.setitem(recipes.RECIPES["digits"], "lr", 100.0)
    assert train(tmp_path, "--every", "1e-9", steps=50) == 1
    assert re.search(r"training stopped: the loss is \S+ near step \d+", one_line(capsys))


def test_a_divergence_in_the_first_steps_promises_no_checkpoint(tmp_path, monkeypatch, capsys, bare):
    with interrupted_at(-1, monkeypatch, float("nan")):
        assert train(tmp_path) == 1
    said = one_line(capsys)
    assert "training stopped: the loss is nan" in said
    assert not (tmp_path / CHECKPOINT).exists()
    assert "is kept" not in said


OUT_OF_MEMORY = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    "cpu": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    "onednn": RuntimeError("could not create a primitive"),  # its words where memory is short, seen under RLIMIT_AS
    "python": MemoryError(),
}


def greedy(monkeypatch, error, most, after=0):
    """From a step on, no more pictures than `most` fit into memory at once."""
    forward, calls = AsEps.__call__, 0

    def fits(self, x, t, cond=None):
        nonlocal calls
        calls += torch.is_grad_enabled()
        if torch.is_grad_enabled() and calls > after and len(x) > most:
            raise error
        return forward(self, x, t, cond)

    monkeypatch.setattr(AsEps, "__call__", fits)


@pytest.mark.parametrize("kind", OUT_OF_MEMORY)
def test_a_batch_that_does_not_fit_is_halved_until_it_does(tmp_path, monkeypatch, capsys, bare, kind):
    greedy(monkeypatch, OUT_OF_MEMORY[kind], most=16)
    assert train(tmp_path / "a", "--batch", "70", steps=2) == 0
    said = capsys.readouterr().out
    assert "Too little memory for 70 pictures a step: going on with 35." in said
    assert "Too little memory for 35 pictures a step: going on with 17." in said
    assert "Too little memory for 17 pictures a step: going on with 8." in said
    assert "digits: 2 steps of 8 pictures" in said
    assert read(tmp_path / "a" / CHECKPOINT)[1].recipe["batch"] == 8
    monkeypatch.undo()
    assert train(tmp_path / "b", "--batch", "8", steps=2) == 0
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_when_not_even_one_picture_fits_it_says_so(tmp_path, monkeypatch, capsys, bare):
    greedy(monkeypatch, OUT_OF_MEMORY["cpu"], most=0)
    assert train(tmp_path) == 1
    assert "memory" in one_line(capsys)
    assert not (tmp_path / CHECKPOINT).exists()


@pytest.mark.parametrize("kind", OUT_OF_MEMORY)
def test_memory_that_runs_out_later_says_what_to_do(tmp_path, monkeypatch, capsys, bare, kind):
    with interrupted_at(3, monkeypatch, OUT_OF_MEMORY[kind]):
        assert train(tmp_path, "--every", "1e-9") == 1
    said = one_line(capsys)
    assert "go on with --resume" in said
    assert "--batch 16" in said
    assert str(tmp_path / CHECKPOINT) in said
    assert read(tmp_path / CHECKPOINT)[1].step == 3


def test_another_runtime_error_is_a_bug_and_not_hidden(tmp_path, monkeypatch, bare):
    for at in (-1, 3):  # while planning, and later
        broken = interrupted_at(at, monkeypatch, RuntimeError("no kernel for this"))
        with broken, pytest.raises(RuntimeError, match="no kernel"):
            train(tmp_path / str(at))
    with interrupted_at(3, monkeypatch, KeyError("a name")), pytest.raises(KeyError, match="a name"):
        train(tmp_path / "key")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_a_real_limit_of_memory_halves_the_batch(tmp_path):
    program = """
import resource, sys
from course.__main__ import main
from course.commands import train
train._draw = train._report = lambda *arguments: None
rest = ["--data", "digits", "--device", "cpu", "--precision", "float32", "--steps", "2", "--out"]
assert main(["train", "--width", "64", "--batch", "16", *rest, sys.argv[1] + "/warm"]) == 0
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20, -1))
sys.exit(main(["train", "--width", "64", "--batch", "1024", *rest, sys.argv[1] + "/tight"]))
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Too little memory for 1024 pictures a step: going on with 512." in done.stdout
    batch = read(tmp_path / "tight" / CHECKPOINT)[1].recipe["batch"]
    assert 8 <= batch <= 512
    assert f"digits: 2 steps of {batch} pictures" in done.stdout


# What cannot be meant


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "cats"], "invalid choice: 'cats'.*digits.*mnist.*cifar10"),
        (["--minutes", "0"], "positive number of minutes, not '0'"),
        (["--minutes", "nan"], "positive number of minutes"),
        (["--minutes", "five"], "positive number of minutes, not 'five'"),
        (["--every", "-1"], "positive number of minutes"),
        (["--steps", "0"], "whole number from 1"),
        (["--steps", "3", "--minutes", "3"], "not allowed with"),
        (["--batch", "0"], "whole number from 1"),
        (["--width", "4"], "whole number from 8"),
        (["--width", "25"], "even"),
        (["--precision", "float8"], "float32.*bfloat16.*float16"),
        (["--seed", "-1"], "whole number from 0"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(tmp_path, capsys, arguments, says):
    try:
        status = main(["train", "--data", "digits", "--steps", "1", "--out", str(tmp_path / "a"), *arguments])
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert re.search(says, one_line(capsys))
    assert not (tmp_path / "a").exists()


def test_without_data_there_is_nothing_to_learn(tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path / "a"), "--device", "cpu"]) == 2
    assert "--data is missing" in one_line(capsys)


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_one_line(tmp_path, capsys, device):
    status = main(["train", "--data", "digits", "--steps", "1", "--out", str(tmp_path / "a"), "--device", device])
    assert status in (1, 2)
    assert f"the device {device} cannot be used here" in one_line(capsys)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("width", ["50", "100"])
def test_any_even_width_can_be_trained(tmp_path, width, bare):
    assert train(tmp_path, "--width", width, "--batch", "4", steps=1) == 0


def test_it_compiles_only_where_triton_is(tmp_path, monkeypatch, bare, capsys):
    """The choice as it reaches the loop; no GPU is needed to see it made."""
    card = Card(net=describe(UNet(1, 8)), prints="v", recipe={"batch": 2, "seed": 0, "precision": "float32", "lr": 1})
    card = replace(card, recipe=card.recipe | {"decay": 0, "drop": 0, "warm_up": 0, "steps": 1})
    monkeypatch.setattr(runs, "train", lambda *arguments, wrap, **more: wrap)
    monkeypatch.setattr(runs, "batches", lambda *arguments: None)
    for triton, device, wrap in ((True, "cuda", torch.compile), (False, "cuda", None), (True, "cpu", None)):
        monkeypatch.setattr(importlib.util, "find_spec", {"triton": triton or None}.get)
        x = SimpleNamespace(device=torch.device(device))
        assert runs.training(UNet(1, 8), card, linear(), x, None) is wrap


def test_every_recipe_is_of_a_set_and_every_set_of_pictures_has_one():
    assert set(recipes.RECIPES) == {name for name in SPLITS if name not in ("ring", "moons")}
    for name in ("digits", "mnist_mini"):
        x, y, x_held, y_held = recipes.split(name)
        assert len(x) == len(y)
        assert len(x_held) == len(y_held) == (recipes.RECIPES[name]["held"] or len(load(name, "test")[0]))
        known = {picture.numpy().tobytes() for picture in x}
        assert not [picture for picture in x_held if picture.numpy().tobytes() in known]


def test_missing_data_says_that_it_is_the_data(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "empty"))
    monkeypatch.setattr("socket.socket.connect", lambda *arguments: (_ for _ in ()).throw(OSError(101, "unreachable")))
    monkeypatch.setattr("socket.getaddrinfo", lambda *arguments, **more: (_ for _ in ()).throw(OSError(101, "no net")))
    assert main(["train", "--data", "mnist", "--steps", "1", "--out", str(tmp_path / "a"), "--device", "cpu"]) == 1
    assert "COURSE_DATA" in one_line(capsys)
    monkeypatch.setattr("course.env.PACKAGE", tmp_path / "course")
    arguments = ["--data", "mnist_mini", "--steps", "1", "--out", str(tmp_path / "a"), "--device", "cpu"]
    assert main(["train", *arguments]) == 1
    said = one_line(capsys)
    assert "data/mnist_mini.npz should have come with the course" in said
    assert "cannot write" not in said


def test_a_place_that_cannot_be_written_is_one_line(tmp_path, capsys, bare):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        assert train(place) == 1
        assert "cannot write to" in one_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def resumed(folder):
    return main(["train", "--resume", "--device", "cpu", "--out", str(folder)])


@pytest.mark.parametrize("name", [*NO_CHECKPOINT, "pickle"])
def test_going_on_from_what_is_no_checkpoint_is_one_line(tmp_path, capsys, name):
    (tmp_path / CHECKPOINT).write_bytes(pickled(tmp_path) if name == "pickle" else NO_CHECKPOINT[name])
    assert resumed(tmp_path) == 1
    assert "is no checkpoint of this course" in one_line(capsys)
    assert not (tmp_path / "trap").exists()


@pytest.fixture(scope="module")
def half_way(tmp_path_factory):
    """A run of six steps that was stopped after three: its tensors and its card."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(command, "_draw", lambda *arguments: None)
        with interrupted_at(3, monkeypatch):
            assert train(folder, "--every", "1e-9") == 130
    return read(folder / CHECKPOINT)


def without(tensors, start):
    return {name: x for name, x in tensors.items() if not name.startswith(start)}


BROKEN = {
    "of another width": lambda x, card: (x, replace(card, net=card.net | {"width": 16})),
    "without labels": lambda x, card: (x, replace(card, net=card.net | {"num_classes": 0})),
    "of an unknown network": lambda x, card: (x, replace(card, net={"kind": "Transformer"})),
    "without the optimiser": lambda x, card: (without(x, "opt."), card),
    "without the average": lambda x, card: (without(x, "ema."), card),
    "without its step": lambda x, card: (without(x, "step"), card),
    "without its seconds": lambda x, card: (without(x, "seconds"), card),
    "of a weight in another shape": lambda x, card: (x | {"net.out.bias": torch.zeros(7)}, card),
    "of unknown data": lambda x, card: (x, replace(card, data="cats")),
    "of points": lambda x, card: (x, replace(card, data="ring")),
    "without data": lambda x, card: (x, replace(card, data="")),
    "without a recipe": lambda x, card: (x, replace(card, recipe={})),
    "with an empty card": lambda x, card: (x, Card()),
    "with a table that is no schedule": lambda x, card: (x | {TABLE: torch.ones(3)}, card),
}


@pytest.mark.parametrize("planned", [True, False], ids=["with its plan", "of version 0.1"])
@pytest.mark.parametrize("name", BROKEN)
def test_going_on_from_a_run_that_does_not_fit_its_card_is_one_line(tmp_path, capsys, bare, half_way, name, planned):
    tensors, card = BROKEN[name](*half_way)
    save(tmp_path / CHECKPOINT, tensors, card)
    if planned:
        (tmp_path / PLAN).write_text(card.to_json())
    before = (tmp_path / CHECKPOINT).read_bytes()
    assert resumed(tmp_path) in (1, 2)
    assert one_line(capsys)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize("plan", ["", "{", "[]", "null", '{"data": 3}', '{"speed": 1}', "[" * 100_000])
def test_going_on_from_what_is_no_plan_is_one_line(tmp_path, capsys, plan):
    (tmp_path / PLAN).write_text(plan)
    assert resumed(tmp_path) == 1
    assert "plan.json is no plan of a run: the card" in one_line(capsys)


def test_going_on_from_the_shipped_kind_of_weights_says_that_nothing_is_to_resume(tmp_path, capsys):
    net = open_up(UNet(1, 8, num_classes=10))
    card = Card(net=describe(net), schedule=linear().name, prints="v", shape=(1, 8, 8), data="digits")
    stored(tmp_path / CHECKPOINT, net, card=replace(card, recipe={"seed": 0, "batch": 8, "steps": 9}))
    assert resumed(tmp_path) == 1
    assert "nothing to resume" in one_line(capsys)


def in_version_0_1(card):
    """A card as that version wrote it: a table that names its schedule alone."""
    return json.loads(card.to_json()) | {"schedule": "linear"}


@pytest.mark.parametrize("stop", ["before its first checkpoint", "half-way"])
def test_a_run_of_version_0_1_goes_on_bit_by_bit(tmp_path, bare, half_way, stop):
    """It had no plan beside it: an empty checkpoint held that."""
    assert train(tmp_path / "whole") == 0
    tensors, card = half_way
    (tmp_path / "old").mkdir()
    if stop == "half-way":
        stored_before(tmp_path / "old" / CHECKPOINT, without(tensors, TABLE), in_version_0_1(card))
    else:
        stored_before(tmp_path / "old" / CHECKPOINT, {}, in_version_0_1(replace(card, step=None, seconds=None)))
    assert resumed(tmp_path / "old") == 0
    ours, theirs = (read(tmp_path / name / CHECKPOINT)[0] for name in ("old", "whole"))
    assert all(ours[name].equal(theirs[name]) for name in theirs.keys() - {"seconds"})
    assert load_model(tmp_path / "old" / CHECKPOINT)


WISHES = ["--steps 9", "--minutes 9", "--batch 8", "--width 16", "--precision float16", "--seed 7", "--no-classes"]
WISHES += ["--loss flow", "--reflow digits"]


@pytest.mark.parametrize("wish", map(str.split, WISHES), ids=WISHES)
def test_what_the_run_has_fixed_cannot_be_wished_otherwise(tmp_path, capsys, bare, half_way, wish):
    save(tmp_path / CHECKPOINT, *half_way)
    assert main(["train", "--resume", "--device", "cpu", "--out", str(tmp_path), *wish]) == 2
    assert wish[0].replace("no-", "") in one_line(capsys)
