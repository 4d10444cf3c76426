"""A training that lives in a folder: its plan, its checkpoints, and what it has learned at the end."""

import copy
import importlib.util
import time
from dataclasses import replace
from itertools import islice

import torch

from course import NULL, env, schedules
from course.data import batches
from course.models import as_eps, net_of
from course.nets import UNet
from course.training.card import Card
from course.training.checkpoints import TABLE, CheckpointError, build, describe, read, save, schedule_of
from course.training.eps import held_out_loss, loss_per_t, train
from course.training.flow import own_pairs, pair_batches, train_flow
from course.training.recipes import RECIPES, REFLOW

CHECKPOINT, PLAN, START = "checkpoint.safetensors", "plan.json", "start.safetensors"
TIMES = (1, 10, 50, 100, 200, 300, 500, 700, 1000)  # noise levels of the report at the end


def no_memory(error):
    """Whether an error says that memory ran out, in the words of CUDA, of torch's CPU allocator, or of oneDNN."""
    words = (
        "can't allocate memory",
        "out of memory",
        "not enough memory",
        "could not allocate",
        "could not create a primitive",
    )
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in str(error).lower() for word in words)


def plan(name, x, y, batch=None, width=None, steps=None, minutes=5.0, classes=True, precision=None, seed=0,
         loss="eps"):  # fmt: skip
    """The Card of a new run on pictures x (N, C, H, W) with labels y (N,) of the data set `name`, by its recipe.

    `loss` is "eps" or "flow". `minutes` become a number of steps here, once; a few steps are tried, on a copy. Raises
    ValueError for a width that cannot be, and what torch raises where the batch does not fit into memory.
    """
    recipe, device = {**RECIPES[name], "seed": seed, "drop": 0.1, "warm_up": 50}, x.device
    recipe["precision"] = precision or str(env.precision(device)).removeprefix("torch.")
    recipe["batch"] = min(batch or recipe["batch"], len(x))
    usual, mults, patch = (recipe.pop(key) for key in ("width", "mults", "patch"))
    net = UNet(x.shape[1], width or usual, mults, patch, int(y.max()) + 1 if classes else 0).to(device)
    card = Card(
        net=describe(net),
        prints="v",
        schedule=schedules.linear().name,
        shape=tuple(x.shape[1:]),
        data=name,
        recipe=recipe,
        device=env.machine(device),
        threads=env.threads(),
        torch=torch.__version__,
    )
    if loss != "eps":
        card = replace(card, recipe=recipe | {"loss": loss})
    return _counted(net, card, schedules.linear(), x, y, steps, minutes)


def straighten(model, schedule, source, classes=True, seed=0):
    """What a run begins with that straightens a trained model: its tensors, to be kept in START, by name.

    `source` is the model's Card. "x0" and "eps" (N, ...) are pairs of its own; where it knows labels, every other pair
    has one, "y" (N,), and the others NULL; with classes=False none has. "net." are its weights.
    """
    net, n = net_of(model), REFLOW["pairs"]
    y = None
    if source.classes and classes:
        y = torch.where(torch.arange(n) % 2 == 0, NULL, torch.arange(n) // 2 % source.classes)
        y = y.to(next(net.parameters()).device)
    x0, eps = own_pairs(model, schedule, source.shape, n, y, REFLOW["calls"], env.seeded(seed))
    start = {"x0": x0, "eps": eps, TABLE: schedule.alpha_bar} | ({} if y is None else {"y": y})
    return start | {f"net.{name}": x for name, x in net.state_dict().items()}


def plan_reflow(source, named, start, batch=None, steps=None, minutes=5.0, precision=None, seed=0):
    """The Card of a run that trains the model of the Card `source`, called `named`, on the pairs that it starts with.

    It raises as `plan` does.
    """
    device, schedule = start["x0"].device, schedule_of(start, source)
    recipe = {**REFLOW, "loss": "flow", "reflow": named, "labelled": "y" in start, "seed": seed}
    recipe["precision"] = precision or str(env.precision(device)).removeprefix("torch.")
    recipe["batch"] = min(batch or recipe["batch"], len(start["x0"]))
    card = replace(
        source, recipe=recipe, step=None, seconds=None, metrics={}, note="", device=env.machine(device),
        threads=env.threads(), torch=torch.__version__,
    )  # fmt: skip
    return _counted(first(card, start).to(device), card, schedule, None, None, steps, minutes, start)


def _counted(net, card, schedule, x, y, steps, minutes, start=None):
    """The card with its number of steps, for which a few are tried."""
    seconds = pace(copy.deepcopy(net), card, schedule, x, y, 0 if steps else 20, start)
    return replace(card, recipe=card.recipe | {"steps": steps or max(1, round(minutes * 60 / seconds))})


def pace(net, card, schedule, x, y, steps, start=None):
    """Seconds a step, from a short try that trains the network; at least two steps, to see that they fit."""
    trial = training(net, card, schedule, x, y, steps=10**6, start=start)
    seconds = [progress.seconds for progress in islice(trial, steps + 2)]
    late = seconds[len(seconds) // 2 :]  # the first are slow: kernels are chosen, memory is fetched
    return (late[-1] - late[0]) / max(1, len(late) - 1)


def first(card, start=None):
    """The network of a card with its first weights: the same for the same seed, or those that it starts with."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(card.recipe["seed"])
        net = build(card)
    if start:
        net.load_state_dict({name[4:]: x for name, x in start.items() if name.startswith("net.")})
    return net


def started(folder, card):
    """The tensors that a reflow in a folder began with; None for other runs. Raises CheckpointError."""
    if "reflow" not in card.recipe:
        return None
    tensors, _ = read(folder / START)
    if not {"x0", "eps", TABLE} <= tensors.keys():
        raise CheckpointError(f"{folder / START} holds no pairs to go on with")
    return tensors


def compiles(device):
    """Whether a network is compiled to train on this device: on a CUDA GPU, where triton is there to do it."""
    return device.type == "cuda" and importlib.util.find_spec("triton") is not None


def training(net, card, schedule, x, y, steps=None, every=1, state=None, start=None):
    """The generator of `train` or `train_flow` for a planned run, on pictures x (N, C, H, W) with labels y (N,), or on
    the pairs that a reflow starts with."""
    recipe = card.recipe
    teach = train_flow if recipe.get("loss") == "flow" else train
    if start:
        device = next(net.parameters()).device
        x, y, eps = (start[name].to(device) if name in start else None for name in ("x0", "y", "eps"))
        source = pair_batches(x, y, eps, recipe["batch"], recipe["seed"])
    else:
        source = batches(x, y if card.classes else None, recipe["batch"], recipe["seed"])
    return teach(
        as_eps(net, schedule, card.prints),
        schedule,
        source,
        steps or recipe["steps"],
        **{key: recipe[key] for key in ("lr", "decay", "drop", "warm_up", "seed")},
        precision=getattr(torch, recipe["precision"]),
        wrap=torch.compile if compiles(x.device) else None,
        every=every,
        state=state,
    )


def kept(training, steps, minutes, keep):
    """Pass on each Progress of a training, once it is stored: every so many `minutes`, and after the last step.

    `keep(progress)` stores one.
    """
    saved = time.perf_counter()
    for progress in training:
        if time.perf_counter() - saved > 60 * minutes or progress.step == steps:
            keep(progress)
            saved = time.perf_counter()
        yield progress


def keep(folder, progress, schedule, card):
    """Write the checkpoint of a run: its state, the table of its schedule, its card. Raises OSError."""
    card = replace(card, step=progress.step, seconds=round(progress.seconds, 1))
    save(folder / CHECKPOINT, {**progress.state(), TABLE: schedule.alpha_bar}, card)


def resume(folder):
    """The run in a folder: (network with its first weights, schedule, card, state or None before the first checkpoint).

    Raises CheckpointError where there is none that can go on.
    """
    place, planned = folder / CHECKPOINT, folder / PLAN
    nothing = CheckpointError(f"{folder} holds no run in training, so there is nothing to resume")
    if not planned.exists() and not place.exists():
        raise CheckpointError(f"{place} cannot be read: No such file or directory")
    tensors, card = read(place) if place.exists() else ({}, None)
    if planned.exists():
        try:
            card = Card.from_json(planned.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{planned} is no plan of a run: {error}") from error
    if card.data not in RECIPES or not {"seed", "steps", "batch", "precision"} <= card.recipe.keys():
        raise nothing
    start = started(folder, card)
    net, schedule = first(card, start), schedule_of(tensors or start or {}, card)
    state = {name: x for name, x in tensors.items() if name != TABLE}
    if not state:  # killed before its first checkpoint
        return net, schedule, card, None
    if not {"step", "seconds"} <= state.keys():
        raise nothing
    shapes = {f"{part}.{name}": x.shape for part in ("net", "ema") for name, x in net.state_dict().items()}
    for name, x in net.named_parameters():
        shapes |= {f"opt.{name}.exp_avg": x.shape, f"opt.{name}.exp_avg_sq": x.shape, f"opt.{name}.step": ()}
    if shapes != {k: x.shape for k, x in state.items() if k not in ("step", "seconds", "scale")}:
        raise CheckpointError(f"{place} holds the state of another network than its card says")
    return net, schedule, card, state


def learned(model, schedule, card, pictures):
    """The eps losses of a finished run on pictures that it never saw, and on some that it trained on, at most 2,000.

    `pictures` is (x, y, x_held, y_held); yields (name, mean, its standard error, losses at TIMES (n,)).
    """
    for name, x, y in (("held out", *pictures[2:]), ("training", *pictures[:2])):
        x, y = x[:2000], y[:2000] if card.classes else None
        mean, error = held_out_loss(model, schedule, x, y, generator=env.seeded(0))
        yield name, mean, error, loss_per_t(model, schedule, x, TIMES, y)
