"""Weights on disk: back as they went, whole or not at all, and whatever else a file may hold is refused in one line."""

import errno
import inspect
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from broken import NO_CHECKPOINT, model_card, network, pickled, stored, stored_before
from helpers import coarse, files, normal, open_up, read_only, refused

from course import NULL, env, nets, schedules
from course.data import batches, load
from course.models import as_eps
from course.nets import MLP, Classifier, UNet
from course.samplers import ddim, last
from course.schedules import Schedule, cosine, linear, scaled_linear
from course.training.card import Card
from course.training.checkpoints import (
    NETS,
    TABLE,
    CheckpointError,
    build,
    classifier,
    describe,
    load_model,
    load_net,
    pretrained,
    read,
    save,
    save_model,
)
from course.training.eps import train

TENSORS = {
    "whole": torch.arange(5),
    "half": normal(3, 4).half(),
    "brain": normal(2).bfloat16(),
    "double": normal(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    "one": torch.tensor(3.5),
    "none": torch.zeros(0, 3),
}
CARD = Card(
    net={"kind": "UNet"}, note="12° “quoted”\n", seconds=0.1, shape=(1, 8, 8), recipe={"list": [1, [2]], "none": None}
)


# There and back


def test_tensors_and_card_come_back_as_they_went(tmp_path):
    save(tmp_path / "a", TENSORS, CARD)
    tensors, card = read(tmp_path / "a")
    assert card == CARD
    assert tensors.keys() == TENSORS.keys()
    for name, x in TENSORS.items():
        assert (tensors[name].dtype, tensors[name].shape) == (x.dtype, x.shape)
        assert tensors[name].equal(x)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    save(tmp_path / "a", {}, Card())
    assert read(tmp_path / "a") == ({}, Card())


def test_what_was_read_does_not_hang_on_the_file(tmp_path):
    save(tmp_path / "a", {"x": torch.ones(1000)}, Card())
    tensors, _ = read(tmp_path / "a")
    save(tmp_path / "a", {"x": torch.zeros(1000)}, Card())  # Windows would refuse to replace a file that is in use
    (tmp_path / "a").write_bytes(b"")
    assert tensors["x"].equal(torch.ones(1000))


@pytest.mark.parametrize(
    "net",
    [
        UNet(1, 8),
        UNet(3, 8, (1, 2, 2), patch=2, num_classes=4, blocks=2),
        Classifier(1, 4, num_classes=5),
        MLP(3, 8, 2),
    ],
)
def test_a_network_is_built_again_from_its_card(net, tmp_path):
    path = stored(tmp_path / "a", open_up(net), card=Card(net=describe(net)))
    again, card = load_net(path)
    assert type(again) is type(net)
    assert card == Card(net=describe(again))
    for name, x in net.state_dict().items():
        assert again.state_dict()[name].equal(x), name
    assert not again.training
    assert not any(weight.requires_grad for weight in again.parameters())


def test_half_precision_on_disk_is_float32_in_memory(tmp_path):
    net = network()
    save(tmp_path / "a", {name: x.half() for name, x in net.state_dict().items()}, model_card(net))
    again, _ = load_net(tmp_path / "a")
    for name, x in again.state_dict().items():
        assert x.dtype == torch.float32
        assert x.equal(net.state_dict()[name].half().float())


def test_a_model_comes_wrapped_with_its_schedule(tmp_path):
    net, x, t, y = network(), normal(3, 1, 8, 8).float(), torch.tensor([1, 500, 1000]), torch.tensor([NULL, 0, 2])
    model, schedule, card = load_model(stored(tmp_path / "a", net))
    assert schedule.alpha_bar.equal(linear().alpha_bar)
    assert card.shape == (1, 8, 8)
    assert model.kind == "v"
    torch.testing.assert_close(model(x, t, y), as_eps(net, linear(), "v")(x, t, y), rtol=0, atol=0)
    assert not model(x, t).requires_grad


def test_of_a_run_in_training_the_average_is_taken(tmp_path):
    net, average = network(), open_up(UNet(1, 8, num_classes=3), seed=1)
    tensors = {f"net.{name}": x for name, x in net.state_dict().items()}
    tensors |= {f"ema.{name}": x for name, x in average.state_dict().items()}
    tensors |= {f"opt.{name}.exp_avg": x.clone() for name, x in net.named_parameters()}
    save(tmp_path / "a", {**tensors, "step": torch.tensor(3), TABLE: linear().alpha_bar}, model_card(net))
    model, _, _ = load_model(tmp_path / "a")
    for name, x in average.state_dict().items():
        assert model.net.state_dict()[name].equal(x)


# A model of one's own

OWN = {
    "linear, T = 500": linear(500),
    "cosine": cosine(),
    "another cosine": cosine(100, s=0.02, max_beta=0.9),
    "scaled_linear": scaled_linear(),
    "a table": coarse(),
    "without a name": Schedule(torch.tensor([1.0, 0.7, 0.1])),
}


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("kind", ["eps", "x0", "v", "score"])
def test_a_model_comes_back_with_whatever_schedule_it_had(tmp_path, name, kind):
    schedule, net = OWN[name], network()
    save_model(tmp_path / "a", as_eps(net, schedule, kind), schedule, Card(shape=(1, 8, 8), note="mine"))
    model, again, card = load_model(tmp_path / "a")
    assert again.alpha_bar.equal(schedule.alpha_bar)
    assert (again.name, again.T) == (schedule.name, schedule.T)
    assert card == Card(net=describe(net), prints=kind, schedule=schedule.name, shape=(1, 8, 8), note="mine")
    x, t = normal(3, 1, 8, 8).float(), torch.tensor([1, 2, schedule.T])
    assert model(x, t).equal(as_eps(net, schedule, kind)(x, t))


def test_a_network_of_points_is_kept_and_draws_what_it_drew(tmp_path):
    (x, y), schedule = load("ring"), cosine(200)
    torch.manual_seed(0)
    *_, progress = train(as_eps(MLP(2, 16, 8), schedule, "v"), schedule, batches(x, y, 64), 5, every=5)
    save_model(tmp_path / "ring", progress.ema, schedule, Card(shape=(2,), data="ring"))
    model, schedule, card = load_model(tmp_path / "ring")
    assert (card.classes, card.shape) == (8, (2,))
    x_T, cond = normal(16, 2).float(), torch.arange(16) % 8
    drawn = [last(ddim(m, schedule, x_T, schedule.grid(9), cond=cond)) for m in (progress.ema, model)]
    assert drawn[0].equal(drawn[1])


def test_a_bare_network_prints_eps(tmp_path):
    net = network()
    save_model(tmp_path / "a", net, coarse())
    model, _, card = load_model(tmp_path / "a")
    assert (model.kind, card.prints, card.shape) == ("eps", "eps", ())
    x, t = normal(2, 1, 8, 8).float(), torch.tensor([1, 20])
    assert model(x, t).equal(net(x, t))


@pytest.mark.parametrize("net", [torch.nn.Linear(2, 2), torch.nn.Sequential(), type("UNet", (UNet,), {})(1, 8)])
def test_a_network_that_is_none_of_ours_cannot_be_kept(tmp_path, net):
    with refused(ValueError, f"is no network of this course: only {', '.join(NETS)} can be built again"):
        save_model(tmp_path / "a", net, linear())
    assert not list(tmp_path.iterdir())


def test_a_model_with_another_schedule_and_a_classifier_cannot_be_kept(tmp_path):
    with refused(ValueError, "converts by .*cosine.* which is not the .*linear"):
        save_model(tmp_path / "a", as_eps(network(), cosine(), "v"), linear())
    with refused(ValueError, "a classifier prints no eps"):
        save_model(tmp_path / "a", Classifier(1, 4), linear())
    assert not list(tmp_path.iterdir())


def test_every_network_that_says_how_it_was_made_can_be_kept():
    assert {name for name in nets.__all__ if "self.config" in inspect.getsource(getattr(nets, name))} == NETS.keys()


def test_files_of_version_0_1_are_read(tmp_path):
    """Their cards name a schedule and no table lies beside the weights; the same for a run in training."""
    net, x, t = network(), normal(2, 1, 8, 8).float(), torch.tensor([1, 1000])
    card = {"net": describe(net), "prints": "v", "shape": [1, 8, 8], "recipe": {"lr": 1}, "step": 3, "seconds": 7}
    for part in ("", "ema."):
        for name in ("linear", "cosine", "scaled_linear"):
            tensors = {part + key: w for key, w in net.state_dict().items()}
            path = stored_before(tmp_path / "old", tensors, card | {"schedule": name})
            model, schedule, found = load_model(path)
            assert schedule.alpha_bar.equal(getattr(schedules, name)().alpha_bar)
            assert (found.shape, found.recipe, found.step) == ((1, 8, 8), {"lr": 1}, 3)
            assert model(x, t).equal(as_eps(net, schedule, "v")(x, t))


# Whole or not at all


def full(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.write_bytes"])
def test_a_write_that_fails_keeps_the_old_checkpoint_and_leaves_nothing_beside(tmp_path, monkeypatch, broken):
    save(tmp_path / "a", TENSORS, CARD)
    before = files(tmp_path)
    monkeypatch.setattr(broken, full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path / "a", {"x": torch.ones(5)}, Card())
    monkeypatch.undo()
    assert files(tmp_path) == before
    assert read(tmp_path / "a")[1] == CARD


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file to fill up a disk with")
def test_a_disk_that_fills_up_in_the_middle_keeps_the_old_checkpoint(tmp_path):
    import resource

    save(tmp_path / "a", TENSORS, CARD)
    before = files(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            save(tmp_path / "a", {"x": torch.ones(100_000)}, Card())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(tmp_path) == before


def test_what_a_killed_writer_left_beside_is_in_nobodys_way(tmp_path):
    save(tmp_path / "a", TENSORS, CARD)
    left = tmp_path / f".a.{os.getpid()}.part"
    left.write_bytes((tmp_path / "a").read_bytes()[:100])
    assert read(tmp_path / "a")[1] == CARD
    save(tmp_path / "a", {}, Card(note="new"))
    assert read(tmp_path / "a") == ({}, Card(note="new"))


def test_the_file_is_on_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(("sync", os.fstat(file).st_size)), sync(file))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (done.append(("place", to)), replace(self, to))[1])
    save(tmp_path / "a", TENSORS, CARD)
    assert done[:2] == [("sync", (tmp_path / "a").stat().st_size), ("place", tmp_path / "a")]


# What is no checkpoint


@pytest.mark.parametrize("name", NO_CHECKPOINT)
def test_what_is_no_checkpoint_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "a").write_bytes(NO_CHECKPOINT[name])
    for reader in (read, load_net, load_model):
        with refused(CheckpointError, r"a is no checkpoint of this course, or only a part of one"):
            reader(tmp_path / "a")


def test_a_pickle_is_refused_and_never_run(tmp_path):
    (tmp_path / "a").write_bytes(pickled(tmp_path))
    with refused(CheckpointError, "is no checkpoint"):
        load_model(tmp_path / "a")
    assert not (tmp_path / "trap").exists()


def test_a_part_of_a_checkpoint_is_refused_wherever_it_ends(tmp_path):
    whole = stored(tmp_path / "a").read_bytes()
    size = 8 + int.from_bytes(whole[:8], "little")  # where the tensors begin
    for length in (1, 8, 9, size // 2, size - 1, size, size + 1, len(whole) // 2, len(whole) - 1):
        (tmp_path / "b").write_bytes(whole[:length])
        with refused(CheckpointError, "or only a part of one"):
            load_model(tmp_path / "b")
    (tmp_path / "b").write_bytes(whole)
    load_model(tmp_path / "b")


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with refused(CheckpointError, "missing cannot be read: No such file"):
        read(tmp_path / "missing")
    with refused(CheckpointError, "cannot be read: Is a directory"):
        read(tmp_path)


NO_NETWORK = {
    "no network": {},
    "an unknown network": {"net": {"kind": "Transformer"}},
    "the name of something else": {"net": {"kind": "Clock", "width": 8}},
    "a kind that is a list": {"net": {"kind": ["UNet"], "channels": 1, "width": 8}},
    "a network that is text": {"net": "UNet"},
    "a network that is nothing": {"net": None},
    "too little": {"net": {"kind": "UNet", "channels": 1}},
    "too much": {"net": {"kind": "UNet", "channels": 1, "width": 8, "depth": 3}},
    "a width that is text": {"net": {"kind": "UNet", "channels": 1, "width": "wide"}},
    "a width below 0": {"net": {"kind": "UNet", "channels": 1, "width": -8}},
    "no levels": {"net": {"kind": "UNet", "channels": 1, "width": 8, "mults": []}},
    "labels below 0": {"net": {"kind": "UNet", "channels": 1, "width": 8, "num_classes": -7}},
}


@pytest.mark.parametrize("name", NO_NETWORK)
def test_a_card_that_describes_no_network_is_refused_in_one_line(tmp_path, name):
    stored_before(tmp_path / "a", network().state_dict(), NO_NETWORK[name])
    if isinstance(NO_NETWORK[name].get("net", {}), dict):
        with refused(CheckpointError, "card"):
            build(Card(**NO_NETWORK[name]))
    for reader in (load_net, load_model):
        with refused(CheckpointError, "card"):
            reader(tmp_path / "a")


def wrong_weights():
    net = network()
    weights = net.state_dict()
    yield "another width", weights, model_card(network(width=16))
    yield "labels that the card does not know", weights, model_card(network(0))
    yield "another kind", weights, replace(model_card(net), net=describe(Classifier(1, 8)))
    yield "one is missing", {name: x for name, x in weights.items() if name != "out.bias"}, model_card(net)
    yield "one too many", {**weights, "more": torch.zeros(1)}, model_card(net)
    yield "another shape", {**weights, "out.bias": torch.zeros(1, 1)}, model_card(net)
    yield "none at all", {}, model_card(net)
    yield "another prefix", {f"net.{name}": x for name, x in weights.items()}, model_card(net)


@pytest.mark.parametrize(("weights", "card"), [pytest.param(w, c, id=name) for name, w, c in wrong_weights()])
def test_weights_of_another_architecture_than_the_card_are_refused(tmp_path, weights, card):
    save(tmp_path / "a", weights, card)
    for reader in (load_net, load_model):
        with refused(CheckpointError, "another architecture than its card says"):
            reader(tmp_path / "a")


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "sigmoid"},
        {"schedule": "Schedule"},
        {"schedule": "torch"},
        {"schedule": "by_name"},
        {"schedule": None},
        {"prints": "flow"},
        {"prints": None},
    ],
)
def test_a_network_without_a_schedule_or_a_print_is_no_diffusion_model(tmp_path, wrong):
    net = network()
    save(tmp_path / "a", net.state_dict(), replace(model_card(net), **wrong))
    assert load_net(tmp_path / "a")
    with refused(CheckpointError, "a holds no diffusion model: "):
        load_model(tmp_path / "a")


@pytest.mark.parametrize(
    "table", [torch.ones(3), torch.tensor(1.0), torch.tensor([1.0, 0.0]), torch.tensor([0.9, 0.1])]
)
def test_a_table_that_is_no_schedule_is_no_diffusion_model(tmp_path, table):
    net = network()
    save(tmp_path / "a", {**net.state_dict(), TABLE: torch.tensor(table)}, model_card(net))
    with refused(CheckpointError, "a holds no diffusion model: .*alpha_bar"):
        load_model(tmp_path / "a")


def test_a_classifier_is_no_diffusion_model(tmp_path):
    net = Classifier(1, 4)
    with refused(CheckpointError, "holds no diffusion model"):
        load_model(stored(tmp_path / "a", net, card=Card(net=describe(net))))


# What ships

SHIPPED = sorted((env.checkout() / "data" / "checkpoints").glob("*.safetensors"))
MODELS = [path.stem for path in SHIPPED if not path.stem.startswith("classifier-")]
CLASSIFIERS = [path.stem.removeprefix("classifier-") for path in SHIPPED if path.stem.startswith("classifier-")]


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", read_only)


@pytest.mark.parametrize("name", ["minst", "", "../mnist", "classifier-digits", "MNIST.safetensors"])
def test_an_unknown_name_lists_the_known_ones(name, monkeypatch, tmp_path):
    monkeypatch.setattr("course.training.checkpoints.shipped", lambda path: tmp_path)
    for known in ("b", "a", "classifier-digits", "classifier-c"):
        stored(tmp_path / f"{known}.safetensors")
    with refused(ValueError, rf"no weights called '{name}' come with the course; there are a, b$"):
        pretrained(name)


def test_an_unknown_classifier_lists_the_known_ones_by_the_names_that_work(monkeypatch, tmp_path):
    monkeypatch.setattr("course.training.checkpoints.shipped", lambda path: tmp_path)
    for known in ("a", "classifier-digits", "classifier-c"):
        stored(tmp_path / f"{known}.safetensors")
    with refused(ValueError, r"no weights called 'a' come with the course; there are c, digits$"):
        classifier("a")


def test_a_shipped_name_finds_its_file(monkeypatch, tmp_path):
    monkeypatch.setattr("course.training.checkpoints.shipped", lambda path: tmp_path)
    net, reader = network(), open_up(Classifier(1, 4))
    stored(tmp_path / "digits.safetensors", net)
    stored(tmp_path / "classifier-digits.safetensors", reader, card=Card(net=describe(reader)))
    model, schedule, _ = pretrained("digits")
    assert model.net.state_dict()["out.bias"].equal(net.out.bias)
    assert schedule.T == 1000
    assert classifier("digits")[0].head.bias.equal(reader.head.bias)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_is_small_and_says_where_it_comes_from(path):
    assert path.stat().st_size <= 8 * 2**20
    tensors, card = read(path)
    assert all((card.net, card.data, card.recipe, card.device, card.metrics, card.shape))
    assert card.seconds > 0
    assert all(x.isfinite().all() for x in tensors.values())
    assert str(Path.home()) not in card.to_json()  # nothing of the machine that it was made on


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_guesses_noise_offline(name, offline):
    model, schedule, card = pretrained(name)
    assert not model.net.training
    assert {x.dtype for x in model.net.parameters()} == {torch.float32}
    assert not any(x.requires_grad for x in model.net.parameters())
    torch.testing.assert_close(schedule.alpha_bar, linear().alpha_bar, rtol=1e-12, atol=0)
    assert schedule.name == card.schedule == linear().name
    x, t = normal(3, *card.shape).float(), torch.tensor([1, 500, 1000])
    none = model(x, t)
    assert none.shape == x.shape
    assert none.isfinite().all()
    classes = card.classes
    if classes:
        assert model(x, t, torch.full((3,), NULL)).equal(none)
        told = model(x, t, torch.tensor([0, 1, classes - 1]))
        assert (told - none).abs().amax((1, 2, 3)).min() > 1e-4
        with refused(ValueError, "whole numbers from -1"):
            model(x, t, torch.full((3,), classes))
    else:
        with refused(ValueError, "knows no labels"):
            model(x, t, torch.zeros(3, dtype=torch.long))
    patch = card.net["patch"]
    if patch > 1:
        with refused(ValueError, f"patches of {patch}"):
            model(normal(3, *card.shape[:2], card.shape[2] + 1).float(), t)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_shipped_classifier_has_features_offline(name, offline):
    net, card = classifier(name)
    assert not net.training
    shape = {"digits": (1, 8, 8), "cifar10": (3, 32, 32)}.get(name, (1, 28, 28))
    x = normal(4, *shape).float()
    assert net.features(x).shape == (4, 128)
    assert net(x).shape == (4, card.classes)
