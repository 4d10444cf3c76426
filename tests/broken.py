"""Networks on disk for tests: whole ones, those of version 0.1, and what is no checkpoint at all."""

import json
import os
import struct

import torch
from helpers import open_up
from safetensors.torch import save as write_tensors

from course.nets import UNet
from course.schedules import linear
from course.training.card import Card
from course.training.checkpoints import TABLE, describe, save


def network(classes=3, width=8):
    return open_up(UNet(1, width, num_classes=classes))


def model_card(net, **more):
    return Card(net=describe(net), schedule="linear, T = 1000", prints="v", shape=(1, 8, 8), **more)


def stored(path, net=None, part="", card=None):
    """A checkpoint of a network at `path`, with the table of `linear`."""
    net = net or network()
    tensors = {part + name: x for name, x in net.state_dict().items()}
    save(path, {**tensors, TABLE: linear().alpha_bar}, card or model_card(net))
    return path


def stored_before(path, tensors, card):
    """A file of version 0.1: its card is any table, and no schedule lies beside the weights."""
    tensors = {name: x.contiguous() for name, x in tensors.items()}
    path.write_bytes(write_tensors(tensors, {"card": json.dumps(card)}))
    return path


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
