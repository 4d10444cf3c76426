"""Weights on disk: one safetensors file each, with a card in its header; written whole or not at all, read as bytes.

A run in training is stored with all that it needs to go on bit by bit; a shipped network is its averaged weights alone.
"""

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors

from course.env import shipped, torch_as_usual
from course.files import write_whole
from course.forward import KINDS
from course.models import AsEps, as_eps, net_of
from course.nets import MLP, Classifier, UNet
from course.schedules import Schedule, cosine, flow, linear, scaled_linear
from course.training.card import Card

NETS = {kind.__name__: kind for kind in (UNet, MLP, Classifier)}
NAMED = (linear, scaled_linear, cosine, flow)
TABLE = "alpha_bar"  # the name of a schedule's table among the tensors


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
    for name, weight in net.named_parameters():  # what AdamW would make at its first step, in the layout of the weight
        if f"opt.{name}.step" in state:  # a weight that no gradient has reached yet has none
            fresh.state[weight] = {"step": torch.zeros((), dtype=torch.float32, device=weight.device)}
            fresh.state[weight] |= {key: torch.zeros_like(weight) for key in ("exp_avg", "exp_avg_sq")}
    if not fresh.state:
        raise ValueError("this state belongs to another network, or has lost its optimiser")
    places = dict(_named(net, ema, fresh))
    if places.keys() != state.keys() - {"step", "seconds", "scale", TABLE}:
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
    """Write tensors (a dict by name) and their Card to `path`, whole or not at all. Raises OSError."""
    tensors = {name: x.contiguous() for name, x in tensors.items()}
    write_whole(path, write_tensors(tensors, {"card": card.to_json()}))


def read(path):
    """The tensors and the Card of a checkpoint: (dict, Card). Raises CheckpointError for anything else than one."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    try:
        size = int.from_bytes(data[:8], "little")
        card = json.loads(data[8 : 8 + size])["__metadata__"]["card"]
        tensors = read_tensors(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} is no checkpoint of this course, or only a part of one") from error
    try:
        return tensors, Card.from_json(card)
    except ValueError as error:
        raise CheckpointError(f"{path} is no checkpoint of this course, or only a part of one: {error}") from error


def describe(net):
    """What `build` needs to make this network again: a dict for the card. Raises ValueError where it cannot."""
    kind = type(net).__name__
    if NETS.get(kind) is not type(net):
        raise ValueError(f"{kind} is no network of this course: only {', '.join(NETS)} can be built again from a file")
    return {"kind": kind, **net.config}


def build(card):
    """The network that a Card describes, with random weights. Raises CheckpointError where this version has none."""
    try:
        config = dict(card.net)
        kind = NETS.get(config.pop("kind", None))
        if kind is None:
            raise CheckpointError("the card names no network of this course")
        with torch_as_usual():
            return kind(**config)
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        raise CheckpointError(f"the card describes a network that this version cannot build: {error}") from error


def _net_in(tensors, card, path):
    """The network whose weights these are, eval(), float32, frozen; of a run in training, its average."""
    net, part = build(card), "ema." if any(name.startswith("ema.") for name in tensors) else ""
    weights = {name.removeprefix(part): x for name, x in tensors.items() if name.startswith(part) and name != TABLE}
    wanted = {name: x.shape for name, x in net.state_dict().items()}
    if wanted != {name: x.shape for name, x in weights.items()}:
        raise CheckpointError(f"{path} holds the weights of another architecture than its card says")
    net.load_state_dict(weights)  # float16 becomes float32 here
    return net.eval().requires_grad_(False)


def load_net(path):
    """The network in a checkpoint, eval(), float32, frozen, and its Card; of a run in training, the average.

    Raises CheckpointError where the file is damaged or its weights are of another architecture than its card.
    """
    tensors, card = read(path)
    return _net_in(tensors, card, path), card


def schedule_of(tensors, card):
    """The schedule whose table lies beside weights; in files of version 0.1, which have none, by its name.

    Raises CheckpointError where there is neither.
    """
    known = {name: schedule for make in NAMED for schedule in [make()] for name in (make.__name__, schedule.name)}
    try:
        return Schedule(tensors[TABLE], card.schedule or "custom") if TABLE in tensors else known[card.schedule]
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"no table of a schedule, and none called {card.schedule!r}: {error}") from error


def save_model(path, model, schedule, card=None):
    """Keep a model that samples: its network, what it prints, and the table of its schedule, whatever that is.

    `model` is `as_eps` around a network of this course, or such a network, which then prints eps; `card` says the rest.
    Raises ValueError for a network that is none of ours or a model with another schedule, OSError where it cannot be
    written. `load_model` is the way back.
    """
    if isinstance(model, AsEps) and not model.schedule.alpha_bar.cpu().equal(schedule.alpha_bar.cpu()):
        raise ValueError(f"the model converts by {model.schedule}, which is not the {schedule} that is to be kept")
    if isinstance(net_of(model), Classifier):
        raise ValueError("a classifier prints no eps: it is no model that samples")
    card = card or Card()
    card = replace(card, net=describe(net_of(model)), prints=getattr(model, "kind", "eps"), schedule=schedule.name)
    save(path, {**net_of(model).state_dict(), TABLE: schedule.alpha_bar}, card)


def load_model(path, device="cpu"):
    """A model that samples, its schedule and its Card, from a file of `save_model`, a run, or one that ships.

    The model prints eps and is frozen; `.net` is its network, float32. Nothing is downloaded. Raises CheckpointError
    where the file holds none.
    """
    tensors, card = read(path)
    net = _net_in(tensors, card, path)
    if card.prints not in KINDS:
        raise CheckpointError(f"{path} holds no diffusion model: nothing says that it prints one of {', '.join(KINDS)}")
    try:
        schedule = schedule_of(tensors, card).to(device)
    except CheckpointError as error:
        raise CheckpointError(f"{path} holds no diffusion model: {error}") from error
    return as_eps(net.to(device), schedule, card.prints), schedule, card


def _shipped(name, judges):
    """The path of a shipped network: of a model, or of a classifier that judges."""
    folder = shipped("data/checkpoints")
    prefix, stems = "classifier-", [path.stem for path in folder.glob("*.safetensors")]
    known = sorted(stem.removeprefix(prefix) for stem in stems if stem.startswith(prefix) == judges)
    path = folder / f"{prefix if judges else ''}{name}.safetensors"
    if name not in known:
        raise ValueError(f"no weights called {name!r} come with the course; there are {', '.join(known)}")
    return path


def pretrained(name, device="cpu"):
    """A shipped model: (model, schedule, card). The model prints eps, `.net` is its network; float32, eval().

    "digits", "mnist" and "cifar10" take labels; the rest belongs to the lesson of its number. Raises ValueError for
    another name.
    """
    return load_model(_shipped(name, judges=False), device)


def classifier(name, device="cpu"):
    """A shipped classifier, whose `features` (B, 128) the metrics measure in: (net, card). Raises ValueError so too."""
    net, card = load_net(_shipped(name, judges=True))
    return net.to(device), card
