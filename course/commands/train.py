"""`python -m course train`: a network learns a data set, in a folder that it can be killed in and resumed from."""

import argparse
import io
from functools import partial
from pathlib import Path

from course.commands import UserError, loaded, usable_device, whole_number, write_out
from course.training.recipes import LOSSES, RECIPES, REFLOW


def add_to(commands):
    """Add `train` to the commands of the parser."""
    train = commands.add_parser(
        "train",
        help="train a network to guess the noise, or the velocity of a flow",
        description="Train a U-Net on a data set, or straighten one that is trained (lesson 08). Every minute the "
        "folder gets a checkpoint and a grid of samples; killed at any moment, the run goes on from there with "
        "--resume, as if nothing had happened.",
        epilog="example: python -m course train --data mnist --minutes 5 --out runs/mnist",
    )
    train.add_argument("--data", choices=RECIPES, help="what to learn; with --resume the folder knows it")
    train.add_argument("--loss", choices=LOSSES, help="what it learns by: the eps loss (default), or flow matching")
    train.add_argument(
        "--reflow", metavar="RUN", help="straighten the network of a run, or one that comes with the course such as "
        "digits: it learns flow matching on pairs of its own, pictures with the noise that each came from",
    )  # fmt: skip
    train.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where checkpoint and samples go")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_minutes, help="how long; counted in steps at once (default 5)")
    length.add_argument("--steps", type=whole_number(1, 10**8), help="how long, in steps, instead of --minutes")
    train.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    train.add_argument("--classes", action=argparse.BooleanOptionalAction, help="learn labels, too (default)")
    train.add_argument("--batch", type=whole_number(1, 65536), help="pictures a step (default: as the recipe says)")
    train.add_argument(
        "--width", type=whole_number(8, 1024), help="channels of the first level (default: as the recipe)"
    )
    train.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: COURSE_DEVICE, or a GPU where there is one)")
    train.add_argument("--precision", choices=("float32", "bfloat16", "float16"), help="default: the device's fastest")
    train.add_argument("--seed", type=whole_number(0, 2**31 - 1), help="same seed, same network (on a CPU; default 0)")
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
    from course.training import run
    from course.training.loop import Diverged

    device, place = usable_device(chosen.device), chosen.out / run.CHECKPOINT
    found = _found(chosen) if chosen.resume else None
    if found is None and (place.exists() or (chosen.out / run.PLAN).exists()):
        raise UserError(f"{chosen.out} holds a run already; --resume goes on with it, or choose another folder")
    taught = None if found or chosen.reflow is None else _taught(chosen, device)
    name = found[2].data if found else taught[2].data if taught else chosen.data
    if name is None:
        raise UserError("--data is missing: name what to learn, such as mnist", code=2)
    pictures, batch = _pictures(name, device), 0
    try:
        net, schedule, card, state = found or _begun(chosen, name, pictures, taught)
        batch = card.recipe["batch"]
        return _go(chosen, net.to(device), schedule, card, state, pictures)
    except Diverged as error:
        raise UserError(f"training stopped: {error}{_kept(place)}") from error
    except BrokenPipeError:  # no file of ours: the reader of what is printed has gone
        raise
    except OSError as error:
        raise UserError(f"cannot write to {chosen.out}: {error.strerror or error}") from error
    except (RuntimeError, MemoryError) as error:
        if not run.no_memory(error):
            raise
        if not batch:
            raise UserError("there is not enough memory for a single picture; free some, or try --width 16") from error
        message = "the memory does not suffice any more: free some and go on with --resume, or begin again with "
        raise UserError(f"{message}--batch {max(1, batch // 2)}{_kept(place)}") from error


def _kept(place):
    return f"; the last good checkpoint is kept in {place}" if place.exists() else ""


def _found(chosen):
    """The run in the folder. Raises UserError where there is none that can go on, or where it is asked to change."""
    from course.training import run
    from course.training.checkpoints import CheckpointError

    for option in ("steps", "minutes", "classes", "batch", "width", "precision", "seed", "loss", "reflow"):
        if getattr(chosen, option) is not None:
            raise UserError(f"--{option} was settled when the run began; leave it away beside --resume", code=2)
    try:
        net, schedule, card, state = run.resume(chosen.out)
    except CheckpointError as error:
        raise UserError(str(error)) from error
    if chosen.data not in (None, card.data):
        raise UserError(f"{chosen.out} holds a run on {card.data}, not on {chosen.data}")
    if state and int(state["step"]) >= card.recipe["steps"]:
        raise UserError(f"{chosen.out} is at its last step, {card.recipe['steps']}, already; `sample` draws from it")
    return net, schedule, card, state


def _taught(chosen, device):
    """The model that is to be straightened, its schedule and its card. Raises UserError."""
    if chosen.loss == "eps" or chosen.width is not None:
        raise UserError("--reflow trains on what is there, by flow matching: leave --loss eps and --width away", code=2)
    try:
        model, schedule, card = loaded(chosen.reflow, device)
    except OSError as error:
        raise UserError(str(error)) from error
    if card.data not in RECIPES or len(card.shape) != 3:
        raise UserError(f"{chosen.reflow} learned from {card.data!r}, for which there is no recipe", code=2)
    if chosen.data not in (None, card.data):
        raise UserError(f"{chosen.reflow} learned from {card.data}, not from {chosen.data}", code=2)
    return model, schedule, card


def _begun(chosen, name, pictures, taught):
    """A new run, its plan written into the folder: on pictures, or on the pairs of a model that was `taught`."""
    from course import schedules
    from course.training import run

    usual = {"width": None, "steps": None, "minutes": 5.0, "classes": True, "precision": None, "seed": 0, "loss": "eps"}
    wishes = {key: usual[key] if getattr(chosen, key) is None else getattr(chosen, key) for key in usual}
    start, schedule = None, schedules.linear()
    if taught:
        model, schedule, source = taught
        print(f"Drawing {REFLOW['pairs']} pairs from {chosen.reflow}, {REFLOW['calls']} calls each.")
        start = run.straighten(model, schedule, source, wishes["classes"], wishes["seed"])
        wishes = {key: wishes[key] for key in ("steps", "minutes", "precision", "seed")}
        plan, most, usual = partial(run.plan_reflow, source, chosen.reflow, start, **wishes), len(start["x0"]), REFLOW
    else:
        plan, most, usual = partial(run.plan, name, *pictures[:2], **wishes), len(pictures[0]), RECIPES[name]
    card = _fitting(plan, min(chosen.batch or usual["batch"], most))
    (chosen.out / "samples").mkdir(parents=True, exist_ok=True)
    if start:  # before the plan, which promises it
        run.save(chosen.out / run.START, start, card)
    write_out(
        chosen.out / run.PLAN, card.to_json() + "\n"
    )  # so that a run killed before its first minute knows its length
    return run.first(card, start), schedule, card, None


def _fitting(plan, batch):
    """The card of `plan(batch=batch)`; what does not fit into memory is halved until it does. Raises UserError."""
    from course.training import run

    while True:
        try:
            return plan(batch=batch)
        except ValueError as error:
            raise UserError(str(error), code=2) from error
        except (RuntimeError, MemoryError) as error:
            if not run.no_memory(error) or batch == 1:
                raise
            print(f"Too little memory for {batch} pictures a step: going on with {batch // 2}.")
            batch //= 2


def _pictures(name, device):
    """Training pictures and labels, then held-out ones, on the device: (x, y, x_held, y_held). Raises UserError."""
    from course.training import recipes

    try:
        return recipes.split(name, device)
    except OSError as error:  # its message says what to do
        raise UserError(str(error)) from error


def _go(chosen, net, schedule, card, state, pictures):
    """Train to the end of the card's steps, with a bar, checkpoints and sample grids on the way; then report."""
    from tqdm import tqdm

    from course.training import run

    x, y = pictures[:2]
    steps, batch, every = card.recipe["steps"], card.recipe["batch"], 10 if x.is_cuda else 1
    start, spent = (int(state["step"]), float(state["seconds"])) if state else (0, 0.0)
    taught = {"flow": ", by flow matching"}.get(card.recipe.get("loss"), "")
    print(f"{card.data}{taught}: {steps} steps of {batch} pictures, {card.recipe['precision']}, on {card.device}")
    if x.is_cuda and not run.compiles(x.device):
        print("The package triton is not here, so the network is not compiled: it learns the same, only slower.")

    def keep(progress):
        run.keep(chosen.out, progress, schedule, card)
        _draw(chosen.out / "samples" / f"{progress.step:07d}.png", progress.ema, schedule, card, x)

    training = run.training(net, card, schedule, x, y, every=every, state=state, start=run.started(chosen.out, card))
    with tqdm(total=steps, initial=start, unit="step", mininterval=0.5) as bar:
        for progress in run.kept(training, steps, chosen.every, keep):
            bar.update(progress.step - bar.n)
            speed = batch * (progress.step - start) / (progress.seconds - spent)
            bar.set_postfix_str(f"loss {progress.loss:.4f}, {speed:.0f} images/s")
    print(f"{progress.seconds:.0f} s of training, {speed:.0f} images/s; the run is in {chosen.out}")
    _report(progress.ema, schedule, card, pictures)
    return 0


def _draw(path, model, schedule, card, like):
    """A grid of 64 samples from fixed noise: 20 steps of DDIM, labels 0, 1, 2, ... where the network knows them."""
    import torch

    from course.env import seeded
    from course.samplers import ddim, last
    from course.viz import pixels

    noise = torch.randn(64, *card.shape, generator=seeded(0)).to(like.device)
    labels = torch.arange(64, device=like.device) % card.classes if card.classes else None
    x = last(ddim(model, schedule, noise, schedule.grid(20), cond=labels))
    png = io.BytesIO()
    pixels.grid_image(x.cpu(), 8, max(1, 512 // (8 * card.shape[-1]))).save(png, format="PNG")
    write_out(path, png.getvalue())


def _report(model, schedule, card, pictures):
    """Print the eps loss at each noise level, on pictures the network never saw and on some that it trained on."""
    from course.training import run

    print("eps loss      mean " + "".join(f"{f't = {t}':>10}" for t in run.TIMES))
    for name, mean, error, losses in run.learned(model, schedule, card, pictures):
        row = "".join(f"{loss:10.5f}" for loss in losses.tolist())
        print(f"{name}  {mean:.4f} {row}  (mean +- {error:.4f})")
