"""`python -m course sample`: pictures out of noise, with a trained network or the exact denoiser of real scans."""

import io
import math
import time
from pathlib import Path

from course.commands import UserError, number, usable_device, whole_number, write_out

SCANS = ("digits", "mnist_mini")  # always there; their exact denoiser needs no network
NETWORKS = ("mnist", "cifar10")  # shipped
SAMPLERS = ("ddim", "ddpm")
SCHEDULES = ("linear", "cosine", "scaled_linear")
FRAMES = 100  # of a GIF, at most: a walk of 1,000 steps shows every tenth state
WIDTH = 600  # screen pixels of the grid, about; an animation is half as wide, as noise makes large files


def add_to(commands):
    """Add `sample` to the commands of the parser."""
    sample = commands.add_parser(
        "sample",
        help="draw pictures out of noise",
        description="Draw pictures out of noise: with a network (a folder that `train` filled, its checkpoint, or "
        "mnist or cifar10, which come with the course), or with the exact denoiser of a set of real scans (digits or "
        "mnist_mini), which is no network and returns that set: lesson 03 shows why.",
        epilog="example: python -m course sample runs/mnist --steps 50 -n 64 --label 7 --scale 2 --out grid.png",
    )
    sample.add_argument("source", help=f"{', '.join((*SCANS, *NETWORKS))}, or a folder or file of `train`")
    sample.add_argument("--steps", type=whole_number(1, 1000), default=50, help="steps of the walk (default 50)")
    sample.add_argument("-n", type=whole_number(1, 10_000), default=64, help="how many pictures (default 64)")
    sample.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="where the grid of pictures goes")
    sample.add_argument("--gif", type=Path, metavar="FILE.gif", help="also write the way there, as an animation")
    sample.add_argument("--sampler", choices=SAMPLERS, default="ddim", help="default ddim")
    sample.add_argument(
        "--eta", type=number(0, 1), help="noise of ddim, from 0 (none, the default) to 1 (as much as ddpm)"
    )
    sample.add_argument("--schedule", choices=SCHEDULES, help="of an exact denoiser (default linear)")
    sample.add_argument("--label", type=whole_number(0, 999), help="draw this class only (networks that know labels)")
    sample.add_argument(
        "--scale", type=number(0, 100), help="guidance towards the label: 1 is none (default), 2 is strong"
    )
    sample.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: COURSE_DEVICE, or a GPU where there is one)")
    sample.add_argument("--seed", type=whole_number(0, 2**63 - 1), default=0, help="same seed, same pictures")
    sample.set_defaults(main=main)


def main(chosen):
    """Draw, write, and say what was written. Raises UserError for a wrong use, or where the source is no good."""
    if chosen.eta is not None and chosen.sampler != "ddim":
        raise UserError("--eta is the noise of ddim; ddpm has none to set", code=2)
    for path, suffix in ((chosen.out, ".png"), (chosen.gif, ".gif")):
        _check_place(path, suffix)

    from course import metrics, viz

    try:
        device = usable_device(chosen.device if chosen.source not in SCANS else chosen.device or "cpu")
        model, schedule, shape, scans = _exact(chosen, device) if chosen.source in SCANS else _network(chosen, device)
    except OSError as error:  # its message says what to do
        raise UserError(str(error)) from error
    start = time.perf_counter()
    states = [state.cpu() for state in _walk(model, schedule, shape, chosen, device)]  # each (n, C, H, W)
    seconds = time.perf_counter() - start

    columns = math.ceil(chosen.n**0.5)
    unit = columns * (shape[-1] + 1)
    png = io.BytesIO()
    viz.grid_image(states[-1], columns, max(1, WIDTH // unit)).save(png, format="PNG")
    write_out(chosen.out, png.getvalue())
    if chosen.gif:
        write_out(chosen.gif, viz.animate(states, columns, max(1, WIDTH // 2 // unit)))

    where = " and ".join(str(path) for path in (chosen.out, chosen.gif) if path)
    print(f"{chosen.n} pictures out of noise, {chosen.steps} steps of {chosen.sampler}, {seconds:.1f} s: {where}")
    if scans is not None:
        distance, _ = metrics.nearest(states[-1], scans)
        print(
            f"{int((distance < metrics.COPY).sum())} of them are copies of a scan in {chosen.source} (nearer than "
            f"{metrics.COPY} rms per pixel): the exact denoiser of a finite set draws nothing else, given steps enough"
        )
    return 0


def _exact(chosen, device):
    """The exact denoiser of a set of scans: (model, schedule, shape of a picture, scans). Raises UserError."""
    from course import schedules
    from course.data import load
    from course.exact import FiniteSet

    if chosen.label is not None or chosen.scale is not None:
        raise UserError(f"--label and --scale are for networks; {chosen.source} is an exact denoiser", code=2)
    if device.type != "cpu":
        raise UserError("the exact denoiser computes on the CPU; leave --device away", code=2)
    scans, _ = load(chosen.source, "all")  # (N, C, H, W)
    schedule = getattr(schedules, chosen.schedule or "linear")()
    return FiniteSet(scans).eps_model(schedule), schedule, scans.shape[1:], scans


def _network(chosen, device):
    """A trained network, guided as wished: (model, schedule, shape of a picture, None). Raises UserError."""
    from course.models import cfg, in_parts
    from course.training.checkpoints import load_model, pretrained
    from course.training.run import CHECKPOINT

    if chosen.schedule is not None:
        raise UserError("a network walks the schedule that it was trained on; leave --schedule away", code=2)
    if chosen.source in NETWORKS:
        try:
            model, schedule, card = pretrained(chosen.source, device)
        except ValueError as error:
            raise UserError(str(error)) from error
    else:
        path = Path(chosen.source)
        if not path.exists():
            known = ", ".join((*SCANS, *NETWORKS))
            raise UserError(f"{path} is neither a folder nor a file of `train`, nor one of {known}", code=2)
        model, schedule, card = load_model(path / CHECKPOINT if path.is_dir() else path, device)
    if len(card.shape) != 3:
        raise UserError(f"{chosen.source} draws no pictures: its card says the shape {card.shape}", code=2)
    classes = card.classes
    if chosen.label is None and chosen.scale is not None:
        raise UserError("--scale guides towards a label; name it with --label", code=2)
    if chosen.label is not None and not chosen.label < classes:
        raise UserError(f"this network knows {f'the labels 0 to {classes - 1}' if classes else 'no labels'}", code=2)
    return in_parts(cfg(model, 1.0 if chosen.scale is None else chosen.scale)), schedule, card.shape, None


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


def _walk(model, schedule, shape, chosen, device):
    """The states (n, C, H, W) from noise to pictures: the first, the last, and at most FRAMES in all."""
    import torch

    from course import samplers

    generator = torch.Generator().manual_seed(chosen.seed)
    x_T = torch.randn(chosen.n, *shape, generator=generator).to(device)  # (n, C, H, W)
    cond = None if chosen.label is None else torch.full((chosen.n,), chosen.label, device=x_T.device)
    extra = {"eta": chosen.eta or 0.0} if chosen.sampler == "ddim" else {}
    sampler = getattr(samplers, chosen.sampler)
    walk = sampler(model, schedule, x_T, schedule.grid(chosen.steps), cond=cond, generator=generator, **extra)
    shown = max(1, math.ceil(chosen.steps / (FRAMES - 1)))  # every so many steps
    yield x_T
    for done, step in enumerate(walk, start=1):
        if done == chosen.steps or (chosen.gif and done % shown == 0):
            yield step.x
