"""Weights on disk: one safetensors file each, with a card in its header; written whole or not at all, read as bytes.

A run in training is stored with all that it needs to go on bit by bit; a shipped network is its averaged weights alone.
"""

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors

from course import schedules
from course.env import shipped
from course.models import as_eps
from course.nets import Classifier
from course.unet import UNet

NETS = {"UNet": UNet, "Classifier": Classifier}


class CheckpointError(OSError):
    """A checkpoint cannot be used; the message is one line and says why. Nothing was loaded."""


def _named(net, ema, optimiser):
    """Every tensor of a run by name, as it lies in memory; the optimiser's only once it has them."""
    yield from ((f"net.{name}", x) for name, x in net.state_dict().items())
    yield from ((f"ema.{name}", x) for name, x in ema.state_dict().items())
    for name, weight in net.named_parameters():
        yield from ((f"opt.{name}.{key}", x) for key, x in optimiser.state.get(weight, {}).items())


def snapshot(step, seconds, net, ema, optimiser, scaler):
    """All tensors that a training needs to go on, by name, as copies; `restore` is the way back."""
    state = {name: x.detach().clone(memory_format=torch.contiguous_format) for name, x in _named(net, ema, optimiser)}
    state["step"], state["seconds"] = torch.tensor(step), torch.tensor(seconds, dtype=torch.float64)
    if scaler.is_enabled():
        state["scale"] = torch.tensor([scaler.get_scale(), scaler.state_dict()["_growth_tracker"]]).double()
    return state


@torch.no_grad()
def restore(state, net, ema, optimiser, scaler):
    """Put a `snapshot` into a network, its average and a fresh AdamW; returns the step and the seconds behind it.

    Raises ValueError where the state is another network's; nothing is changed then.
    """
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    fresh = torch.optim.AdamW(weights, fused=True)
    for weight in weights:  # what AdamW would make at its first step, in the layout of the weight
        fresh.state[weight] = {"step": torch.zeros((), device=weight.device)}
        fresh.state[weight] |= {key: torch.zeros_like(weight) for key in ("exp_avg", "exp_avg_sq")}
    places = dict(_named(net, ema, fresh))
    if places.keys() != state.keys() - {"step", "seconds", "scale"}:
        raise ValueError("this state belongs to another network")
    if any(places[name].shape != state[name].shape for name in places):
        raise ValueError("this state belongs to a network of another size")
    for name, place in places.items():
        place.copy_(state[name])
    optimiser.state.update(fresh.state)
    if scaler.is_enabled() and "scale" in state:
        scale, growth = state["scale"].tolist()
        scaler.load_state_dict({**scaler.state_dict(), "scale": scale, "_growth_tracker": int(growth)})
    return int(state["step"]), float(state["seconds"])


def save(path, tensors, card):
    """Write tensors (a dict by name) and a card (a dict that JSON can hold) to `path`, whole or not at all.

    The file is written beside `path`, synced to disk, and put in its place. Raises OSError where that fails; what was
    at `path` before is then still there.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    data = write_tensors({name: x.contiguous() for name, x in tensors.items()}, {"card": json.dumps(card)})
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read(path):
    """The tensors and the card of a checkpoint: (dict, dict). Raises CheckpointError for anything else than one."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    try:
        size = int.from_bytes(data[:8], "little")
        card = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["card"])
        if not isinstance(card, dict):
            raise ValueError("the card is no dict")
        return read_tensors(data), card
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} is no checkpoint of this course, or only a part of one") from error


def build(card):
    """The network that a card describes, with random weights. Raises CheckpointError where this version has none."""
    try:
        config = dict(card.get("net", {}))
        kind = NETS.get(config.pop("kind", None))
        if kind is None:
            raise CheckpointError("the card names no network of this course")
        return kind(**config)
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        raise CheckpointError(f"the card describes a network that this version cannot build: {error}") from error


def describe(net):
    """What `build` needs to make this network again: a dict for the card, under "net"."""
    return {"kind": type(net).__name__, **net.config}


def load_net(path, part=""):
    """The network in a checkpoint, eval(), float32, frozen, and its card; `part` is "ema." for a run in training.

    Raises CheckpointError where the file is damaged or its weights are of another architecture than its card.
    """
    tensors, card = read(path)
    net = build(card)
    weights = {name.removeprefix(part): x for name, x in tensors.items() if name.startswith(part)}
    wanted = {name: x.shape for name, x in net.state_dict().items()}
    if wanted != {name: x.shape for name, x in weights.items()}:
        raise CheckpointError(f"{path} holds the weights of another architecture than its card says")
    net.load_state_dict(weights)  # float16 becomes float32 here
    return net.eval().requires_grad_(False), card


def load_model(path, device="cpu"):
    """A model that samples, its schedule and its card, from a run's checkpoint or a shipped one. No network is used.

    Raises CheckpointError where the file holds none.
    """
    tensors, _ = read(path)
    if not tensors:
        raise CheckpointError(
            f"{path} holds weights of another architecture than its card says: none, no step was made"
        )
    part = "ema." if any(name.startswith("ema.") for name in tensors) else ""
    net, card = load_net(path, part)
    try:
        schedule = getattr(schedules, card["schedule"])().to(device)
        if len(card["shape"]) != 3:
            raise ValueError("no shape of a picture")
        return as_eps(net.to(device), schedule, card["prints"]), schedule, card
    except (KeyError, AttributeError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} holds no diffusion model") from error


def _shipped(name, kind):
    folder = shipped("data/checkpoints")
    prefix, stems = "classifier-", [path.stem for path in folder.glob("*.safetensors")]
    known = sorted(stem.removeprefix(prefix) for stem in stems if stem.startswith(prefix) == kind)
    path = folder / f"{prefix if kind else ''}{name}.safetensors"
    if name not in known:
        raise ValueError(f"no weights called {name!r} come with the course; there are {', '.join(known)}")
    return path


def pretrained(name, device="cpu"):
    """A shipped model: (model, schedule, card). The model prints eps, `.net` is its network; float32, eval().

    "digits", "mnist" and "cifar10" take labels; the rest belongs to lesson 04. Raises ValueError for another name.
    """
    return load_model(_shipped(name, False), device)


def classifier(name, device="cpu"):
    """A shipped classifier, whose `features` (B, 128) the metrics measure in: (net, card). Raises ValueError so too."""
    net, card = load_net(_shipped(name, True))
    return net.to(device), card
