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
    import torch

    from course import data
    from course.checkpoints import CheckpointError, build, read, save
    from course.train import Diverged

    place = chosen.out / CHECKPOINT
    device = usable_device(chosen.device)
    try:
        state, card = read(place) if chosen.resume else ({}, None)
        name = card["data"] if card else chosen.data
        if name is None:
            raise UserError("--data is missing: name what to learn, such as mnist", code=2)
        if card and chosen.data not in (None, name):
            raise UserError(f"{chosen.out} holds a run on {name}, not on {chosen.data}")
        if not card and place.exists():
            raise UserError(f"{chosen.out} holds a run already; --resume goes on with it, or choose another folder")
        pictures = _split(name, *data.load(name, "all" if name == "mnist_mini" else "train"), device)
        if card is None:
            card = plan(chosen, name, pictures[0], pictures[1], device)
            (chosen.out / "samples").mkdir(parents=True, exist_ok=True)
            save(place, {}, card)  # so that a run killed before its first minute knows its length
        torch.manual_seed(card["recipe"]["seed"])
        return go(chosen, build(card).to(device), card, state, pictures, device)
    except (CheckpointError, data.DataError) as error:
        raise UserError(str(error)) from error
    except KeyError as error:
        raise UserError(f"{place} holds no run in training, so there is nothing to resume") from error
    except Diverged as error:
        raise UserError(f"training stopped: {error}; the last good checkpoint is kept in {place}") from error
    except OSError as error:
        raise UserError(f"cannot write to {chosen.out}: {error.strerror or error}") from error
    except (RuntimeError, MemoryError) as error:
        if not no_memory(error):
            raise
        raise UserError(
            f"the memory does not suffice any more: free some and go on with --resume, or begin again with --batch "
            f"{max(1, card['recipe']['batch'] // 2)}; the last good checkpoint is kept in {place}"
        ) from error


def _split(name, x, y, device):
    """Training pictures and labels, then held-out ones, on the device: (x, y, x_held, y_held)."""
    from course.data import load

    held = RECIPES[name]["held"]
    parts = (x[:-held], y[:-held], x[-held:], y[-held:]) if held else (x, y, *load(name, "test"))
    return [part.to(device) for part in parts]
