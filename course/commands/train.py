"""`python -m course train`: a network learns a data set, in a folder that it can be killed in and resumed from."""

import argparse
from pathlib import Path

from course.commands import CHECKPOINT, UserError, usable_device, whole_number
from course.commands.training import RECIPES, go, no_memory, plan


def add_to(commands):
    """Add `train` to the commands of the parser."""
    train = commands.add_parser(
        "train",
        help="train a network to guess the noise",
        description="Train a U-Net on a data set. Every minute the folder gets a checkpoint and a grid of samples; "
        "killed at any moment, the run goes on from there with --resume, as if nothing had happened.",
        epilog="example: python -m course train --data mnist --minutes 5 --out runs/mnist",
    )
    train.add_argument("--data", choices=RECIPES, help="what to learn; with --resume the folder knows it")
    train.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where checkpoint and samples go")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_minutes, default=5.0, help="how long; counted in steps at once (default 5)")
    length.add_argument("--steps", type=whole_number(1, 10**8), help="how long, in steps, instead of --minutes")
    train.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    train.add_argument("--classes", action=argparse.BooleanOptionalAction, default=True, help="learn labels, too")
    train.add_argument("--batch", type=whole_number(1, 65536), help="pictures a step (default: as the recipe says)")
    train.add_argument(
        "--width", type=whole_number(8, 1024), help="channels of the first level (default: as the recipe)"
    )
    train.add_argument("--device", help="cpu, cuda, cuda:1 (default: a GPU where there is one)")
    train.add_argument("--precision", choices=("float32", "bfloat16", "float16"), help="default: the device's fastest")
    train.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0, help="same seed, same network (on a CPU)")
    train.add_argument("--every", type=_minutes, default=1.0, metavar="MINUTES", help="between checkpoints (default 1)")
    train.set_defaults(main=main)


def _minutes(text):
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 1e5:
        raise argparse.ArgumentTypeError(f"it must be a positive number of minutes, not {text!r}")
    return minutes


def main(chosen):
    """Train, or go on training, and report. Raises UserError for a wrong use, bad data, divergence, no memory."""
    from course.training.checkpoints import save
    from course.training.loop import Diverged

    place, device = chosen.out / CHECKPOINT, usable_device(chosen.device)
    net, card, state = _found(chosen, place) if chosen.resume else (None, None, {})
    if card is None and place.exists():
        raise UserError(f"{chosen.out} holds a run already; --resume goes on with it, or choose another folder")
    name = card["data"] if card else chosen.data
    if name is None:
        raise UserError("--data is missing: name what to learn, such as mnist", code=2)
    pictures = _pictures(name, device)
    kept = f"; the last good checkpoint is kept in {place}" if card else ""
    try:
        if card is None:
            card = plan(chosen, name, pictures[0], pictures[1], device)
            (chosen.out / "samples").mkdir(parents=True, exist_ok=True)
            save(place, {}, card)  # so that a run killed before its first minute knows its length
            net, kept = _built(card), f"; the last good checkpoint is kept in {place}"
        return go(chosen, net.to(device), card, state, pictures, device)
    except Diverged as error:
        raise UserError(f"training stopped: {error}{kept}") from error
    except OSError as error:
        raise UserError(f"cannot write to {chosen.out}: {error.strerror or error}") from error
    except (RuntimeError, MemoryError) as error:
        if not no_memory(error):
            raise
        if card is None:
            raise UserError("there is not enough memory for a single picture; free some, or try --width 16") from error
        less = max(1, card["recipe"]["batch"] // 2)
        message = "the memory does not suffice any more: free some and go on with --resume, or begin again with "
        raise UserError(f"{message}--batch {less}{kept}") from error


def _found(chosen, place):
    """The run in the folder: its network, its card, its state. Raises UserError where there is none that can go on."""
    from course.training.checkpoints import CheckpointError, read

    for option in ("steps", "batch", "width", "precision"):
        if getattr(chosen, option) is not None:
            raise UserError(f"--{option} was settled when the run began; leave it away beside --resume", code=2)
    try:
        state, card = read(place)
        net = _built(card)
    except CheckpointError as error:
        raise UserError(str(error)) from error
    except (KeyError, TypeError) as error:
        raise UserError(f"{place} holds no run in training, so there is nothing to resume") from error
    if card.get("data") not in RECIPES or not {"steps", "batch", "precision"} <= card["recipe"].keys():
        raise UserError(f"{place} holds no run in training, so there is nothing to resume")
    if chosen.data not in (None, card["data"]):
        raise UserError(f"{chosen.out} holds a run on {card['data']}, not on {chosen.data}")
    shapes = {f"{part}.{name}": x.shape for part in ("net", "ema") for name, x in net.state_dict().items()}
    for name, x in net.named_parameters():
        shapes |= {f"opt.{name}.exp_avg": x.shape, f"opt.{name}.exp_avg_sq": x.shape, f"opt.{name}.step": ()}
    if state and shapes != {k: x.shape for k, x in state.items() if k not in ("step", "seconds", "scale")}:
        raise UserError(f"{place} holds the state of another network than its card says")
    if state and not {"step", "seconds"} <= state.keys():
        raise UserError(f"{place} holds no run in training, so there is nothing to resume")
    return net, card, state


def _built(card):
    """The network of a card with its first weights: the same for the same seed."""
    import torch

    from course.training.checkpoints import build

    torch.manual_seed(card["recipe"]["seed"])
    return build(card)


def _pictures(name, device):
    """Training pictures and labels, then held-out ones, on the device: (x, y, x_held, y_held). Raises UserError."""
    from course import data

    try:
        return _split(name, *data.load(name, "all" if name == "mnist_mini" else "train"), device)
    except OSError as error:  # its message says what to do
        raise UserError(str(error)) from error


def _split(name, x, y, device):
    """Training pictures and labels, then held-out ones, on the device: (x, y, x_held, y_held)."""
    from course.data import load

    held = RECIPES[name]["held"]
    parts = (x[:-held], y[:-held], x[-held:], y[-held:]) if held else (x, y, *load(name, "test"))
    return [part.to(device) for part in parts]
