"""Weights on disk: back as they went, whole or not at all, and whatever else a file may hold is refused in one line."""

import errno
import json
import os
import socket
import struct
import sys
from pathlib import Path

import pytest
import torch
from helpers import files, normal, open_up, read_only, refused

from course import NULL, env, schedules
from course.models import as_eps
from course.nets import Classifier
from course.schedules import linear
from course.training.checkpoints import (
    CheckpointError,
    build,
    classifier,
    describe,
    load_model,
    load_net,
    pretrained,
    read,
    save,
)
from course.unet import UNet

TENSORS = {
    "whole": torch.arange(5),
    "half": normal(3, 4).half(),
    "brain": normal(2).bfloat16(),
    "double": normal(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    "one": torch.tensor(3.5),
    "none": torch.zeros(0, 3),
}
CARD = {"net": {"kind": "UNet"}, "text": "12° “quoted”\n", "number": 0.1, "list": [1, [2]], "nothing": None}


def network(classes=3, width=8):
    return open_up(UNet(1, width, num_classes=classes))


def model_card(net, **more):
    return {"net": describe(net), "schedule": "linear", "prints": "v", "shape": [1, 8, 8], **more}


def stored(path, net=None, part="", card=None):
    """A checkpoint of a network at `path`."""
    net = net or network()
    save(path, {part + name: x for name, x in net.state_dict().items()}, card or model_card(net))
    return path


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
    save(tmp_path / "a", {}, {})
    assert read(tmp_path / "a") == ({}, {})


def test_what_was_read_does_not_hang_on_the_file(tmp_path):
    save(tmp_path / "a", {"x": torch.ones(1000)}, {})
    tensors, _ = read(tmp_path / "a")
    save(tmp_path / "a", {"x": torch.zeros(1000)}, {})  # Windows would refuse to replace a file that is in use
    (tmp_path / "a").write_bytes(b"")
    assert tensors["x"].equal(torch.ones(1000))


@pytest.mark.parametrize(
    "net", [UNet(1, 8), UNet(3, 8, (1, 2, 2), patch=2, num_classes=4, blocks=2), Classifier(1, 4, num_classes=5)]
)
def test_a_network_is_built_again_from_its_card(net, tmp_path):
    path = stored(tmp_path / "a", open_up(net), card={"net": describe(net)})
    again, card = load_net(path)
    assert type(again) is type(net)
    assert card == {"net": describe(again)} == json.loads(json.dumps(card))
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
    assert card["shape"] == [1, 8, 8]
    assert model.kind == "v"
    torch.testing.assert_close(model(x, t, y), as_eps(net, linear(), "v")(x, t, y), rtol=0, atol=0)
    assert not model(x, t).requires_grad


def test_of_a_run_in_training_the_average_is_taken(tmp_path):
    net, average = network(), open_up(UNet(1, 8, num_classes=3), seed=1)
    tensors = {f"net.{name}": x for name, x in net.state_dict().items()}
    tensors |= {f"ema.{name}": x for name, x in average.state_dict().items()}
    tensors |= {f"opt.{name}.exp_avg": x.clone() for name, x in net.named_parameters()}
    save(tmp_path / "a", {**tensors, "step": torch.tensor(3)}, model_card(net))
    model, _, _ = load_model(tmp_path / "a")
    for name, x in average.state_dict().items():
        assert model.net.state_dict()[name].equal(x)


# Whole or not at all


def full(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.open"])
def test_a_write_that_fails_keeps_the_old_checkpoint_and_leaves_nothing_beside(tmp_path, monkeypatch, broken):
    save(tmp_path / "a", TENSORS, CARD)
    before = files(tmp_path)
    monkeypatch.setattr(broken, full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path / "a", {"x": torch.ones(5)}, {})
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
            save(tmp_path / "a", {"x": torch.ones(100_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(tmp_path) == before


def test_what_a_killed_writer_left_beside_is_in_nobodys_way(tmp_path):
    save(tmp_path / "a", TENSORS, CARD)
    left = tmp_path / f".a.{os.getpid()}.part"
    left.write_bytes((tmp_path / "a").read_bytes()[:100])
    assert read(tmp_path / "a")[1] == CARD
    save(tmp_path / "a", {}, {"new": 1})
    assert read(tmp_path / "a") == ({}, {"new": 1})


def test_the_file_is_on_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(("sync", os.fstat(file).st_size)), sync(file))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (done.append(("place", to)), replace(self, to))[1])
    save(tmp_path / "a", TENSORS, CARD)
    assert done[:2] == [("sync", (tmp_path / "a").stat().st_size), ("place", tmp_path / "a")]


# What is no checkpoint


def header(data, tensors=b""):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return struct.pack("<Q", len(data)) + data + tensors


def with_card(card):
    return header({"__metadata__": {"card": card if isinstance(card, str) else json.dumps(card)}})


def pickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "trap"),))

    torch.save({"net": network().state_dict(), "trap": Trap()}, tmp_path / "p")
    return (tmp_path / "p").read_bytes()


NO_CHECKPOINT = {
    "empty": b"",
    "seven bytes": b"1234567",
    "garbage": bytes(range(256)) * 10,
    "a header longer than the file": struct.pack("<Q", 10**6) + b"{}",
    "a header longer than any file": b"\xff" * 100,
    "no JSON": header(b"not JSON at all"),
    "JSON that is no header": header([1, 2, 3]),
    "JSON without a card": header({"__metadata__": {"format": "pt"}}),
    "no metadata": header({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
    "metadata of another kind": header({"__metadata__": "card"}),
    "a card that is no JSON": with_card("{"),
    "a card that is a list": with_card([1, 2]),
    "a card that is a number": with_card(3),
    "a card without end": with_card("[" * 100_000),
    "a header without end": header(b"[" * 100_000),
    "plain text": b"Diffusion models learn to remove noise.\n" * 100,
}


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
    save(tmp_path / "a", network().state_dict(), NO_NETWORK[name])
    with refused(CheckpointError, "card"):
        build(NO_NETWORK[name])
    for reader in (load_net, load_model):
        with refused(CheckpointError, "card"):
            reader(tmp_path / "a")


def wrong_weights():
    net = network()
    weights = net.state_dict()
    yield "another width", weights, model_card(network(width=16))
    yield "labels that the card does not know", weights, model_card(network(0))
    yield "another kind", weights, {**model_card(net), "net": describe(Classifier(1, 8))}
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
        {"prints": ["v"]},
        {"shape": [2]},
        {"shape": None},
    ],
)
def test_a_network_without_a_schedule_or_a_print_is_no_diffusion_model(tmp_path, wrong):
    path = stored(tmp_path / "a", card=model_card(network()) | wrong)
    assert load_net(path)
    with refused(CheckpointError, "holds no diffusion model"):
        load_model(path)


def test_a_classifier_is_no_diffusion_model(tmp_path):
    net = Classifier(1, 4)
    with refused(CheckpointError, "holds no diffusion model"):
        load_model(stored(tmp_path / "a", net, card={"net": describe(net)}))


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
    stored(tmp_path / "classifier-digits.safetensors", reader, card={"net": describe(reader)})
    model, schedule, _ = pretrained("digits")
    assert model.net.state_dict()["out.bias"].equal(net.out.bias)
    assert schedule.T == 1000
    assert classifier("digits")[0].head.bias.equal(reader.head.bias)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_is_small_and_says_where_it_comes_from(path):
    assert path.stat().st_size <= 8 * 2**20
    tensors, card = read(path)
    assert {"net", "data", "recipe", "seconds", "device", "metrics"} <= card.keys()
    assert isinstance(card["recipe"], dict)
    assert isinstance(card["metrics"], dict)
    assert card["metrics"]
    assert card["seconds"] > 0
    assert all(x.isfinite().all() for x in tensors.values())
    assert str(Path.home()) not in json.dumps(card)  # nothing of the machine that it was made on


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_guesses_noise_offline(name, offline):
    model, schedule, card = pretrained(name)
    assert not model.net.training
    assert {x.dtype for x in model.net.parameters()} == {torch.float32}
    assert not any(x.requires_grad for x in model.net.parameters())
    assert schedule.alpha_bar.equal(getattr(schedules, card["schedule"])().alpha_bar)
    x, t = normal(3, *card["shape"]).float(), torch.tensor([1, 500, 1000])
    none = model(x, t)
    assert none.shape == x.shape
    assert none.isfinite().all()
    classes = card["net"]["num_classes"]
    if classes:
        assert model(x, t, torch.full((3,), NULL)).equal(none)
        told = model(x, t, torch.tensor([0, 1, classes - 1]))
        assert (told - none).abs().amax((1, 2, 3)).min() > 1e-4
        with refused(ValueError, "whole numbers from -1"):
            model(x, t, torch.full((3,), classes))
    else:
        with refused(ValueError, "knows no labels"):
            model(x, t, torch.zeros(3, dtype=torch.long))
    patch = card["net"]["patch"]
    if patch > 1:
        with refused(ValueError, f"patches of {patch}"):
            model(normal(3, *card["shape"][:2], card["shape"][2] + 1).float(), t)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_shipped_classifier_has_features_offline(name, offline):
    net, card = classifier(name)
    assert not net.training
    shape = {"digits": (1, 8, 8), "cifar10": (3, 32, 32)}.get(name, (1, 28, 28))
    x = normal(4, *shape).float()
    assert net.features(x).shape == (4, 128)
    assert net(x).shape == (4, card["net"]["num_classes"])
