"""`python -m course sample`: pictures out of noise, with the exact denoiser of real scans and no network."""

import argparse
import io
import math
import time
from pathlib import Path

from course.commands import UserError, whole_number, write_whole

SOURCES = ("digits", "mnist_mini")  # always there
SAMPLERS = ("ddim", "ddpm")
SCHEDULES = ("linear", "cosine", "scaled_linear")
FRAMES = 100  # of a GIF, at most: a walk of 1,000 steps shows every tenth state
WIDTH = 600  # screen pixels of the grid, about; an animation is half as wide, as noise makes large files


def add_to(commands):
    """Add `sample` to the commands of the parser."""
    sample = commands.add_parser(
        "sample",
        help="draw pictures out of noise",
        description="Draw pictures out of noise with the exact denoiser of a set of real scans: no network. "
        "A perfect denoiser of a finite set returns that set, so what comes out are copies (lesson 03 shows why).",
        epilog="example: python -m course sample digits --steps 50 -n 64 --out grid.png --gif walk.gif",
    )
    sample.add_argument("source", choices=SOURCES, help="the scans: digits (1x8x8) or mnist_mini (1x28x28)")
    sample.add_argument("--steps", type=whole_number(1, 1000), default=50, help="steps of the walk (default 50)")
    sample.add_argument("-n", type=whole_number(1, 10_000), default=64, help="how many pictures (default 64)")
    sample.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="where the grid of pictures goes")
    sample.add_argument("--gif", type=Path, metavar="FILE.gif", help="also write the way there, as an animation")
    sample.add_argument("--sampler", choices=SAMPLERS, default="ddim", help="default ddim")
    sample.add_argument("--eta", type=_eta, help="noise of ddim, from 0 (none, the default) to 1 (as much as ddpm)")
    sample.add_argument("--schedule", choices=SCHEDULES, default="linear", help="default linear")
    sample.add_argument("--seed", type=whole_number(0, 2**63 - 1), default=0, help="same seed, same pictures")
    sample.set_defaults(main=main)


def _eta(text):
    try:
        eta = float(text)
    except ValueError:
        eta = math.nan
    if not 0 <= eta <= 1:
        raise argparse.ArgumentTypeError(f"it must be a number from 0 to 1, not {text!r}")
    return eta


def main(chosen):
    """Draw, write, and say what was written and how near it is to the scans. Raises UserError for a wrong use."""
    if chosen.eta is not None and chosen.sampler != "ddim":
        raise UserError("--eta is the noise of ddim; ddpm has none to set", code=2)
    for path, suffix in ((chosen.out, ".png"), (chosen.gif, ".gif")):
        _check_place(path, suffix)

    from course import metrics, viz
    from course.data import load
    from course.exact import FiniteSet

    try:
        scans, _ = load(chosen.source, "all")  # (N, C, H, W)
    except OSError as error:  # its message says what to do
        raise UserError(str(error)) from error
    start = time.perf_counter()
    states = list(_walk(FiniteSet(scans), scans.shape[1:], chosen))  # each (n, C, H, W)
    seconds = time.perf_counter() - start

    columns = math.ceil(chosen.n**0.5)
    unit = columns * (scans.shape[-1] + 1)
    png = io.BytesIO()
    viz.grid_image(states[-1], columns, max(1, WIDTH // unit)).save(png, format="PNG")
    write_whole(chosen.out, png.getvalue())
    if chosen.gif:
        write_whole(chosen.gif, viz.animate(states, columns, max(1, WIDTH // 2 // unit)))

    distance, _ = metrics.nearest(states[-1], scans)
    copies = int((distance < metrics.COPY).sum())
    where = " and ".join(str(path) for path in (chosen.out, chosen.gif) if path)
    print(
        f"{chosen.n} pictures out of noise, {chosen.steps} steps of {chosen.sampler}, {seconds:.1f} s: {where}\n"
        f"{copies} of them are copies of a scan in {chosen.source} (nearer than {metrics.COPY} rms per pixel): "
        "the exact denoiser of a finite set draws nothing else, given steps enough"
    )
    return 0


def _check_place(path, suffix):
    """Raises UserError where a file cannot go to `path`, before any time is spent on drawing it."""
    if path is None:
        return
    if path.suffix.lower() != suffix:
        raise UserError(f"{path} must end in {suffix}", code=2)
    if not path.parent.is_dir():
        raise UserError(f"the folder {path.parent} does not exist; make it first, or choose another", code=2)
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file in it", code=2)


def _walk(truth, shape, chosen):
    """The states (n, C, H, W) from noise to pictures: the first, the last, and at most FRAMES in all."""
    import torch

    from course import samplers, schedules

    schedule = getattr(schedules, chosen.schedule)()
    generator = torch.Generator().manual_seed(chosen.seed)
    x_T = torch.randn(chosen.n, *shape, generator=generator)  # (n, C, H, W)
    extra = {"eta": chosen.eta or 0.0} if chosen.sampler == "ddim" else {}
    sampler = getattr(samplers, chosen.sampler)
    walk = sampler(truth.eps_model(schedule), schedule, x_T, schedule.grid(chosen.steps), generator=generator, **extra)
    shown = max(1, math.ceil(chosen.steps / (FRAMES - 1)))  # every so many steps
    yield x_T
    for done, step in enumerate(walk, start=1):
        if done == chosen.steps or (chosen.gif and done % shown == 0):
            yield step.x
