"""`python -m course sample`: pictures out of noise, with a trained network or the exact denoiser of real scans."""

import inspect
import io
import math
import time
from pathlib import Path

from course.commands import Known, UserError, loaded, number, offered, usable_device, whole_number, write_out

EXACT = "-exact"  # how the exact denoiser of a set of scans is told from a network that learned that set
FRAMES = 100  # of a GIF, at most: a walk of 1,000 steps shows every tenth state
WIDTH = 600  # screen pixels of the grid, about; an animation is half as wide, as noise makes large files


def samplers():
    """All samplers, {name: function}: what walks from x_T."""
    return offered("samplers", "x_T")


def noises():
    """All schedules by the functions that make them, {name: function}: what takes T."""
    return offered("schedules", "T")


def add_to(commands):
    """Add `sample` to the commands of the parser."""
    sample = commands.add_parser(
        "sample",
        help="draw pictures out of noise",
        description="Draw pictures out of noise: with a network, or with the exact denoiser of a set of real scans, "
        "which is no network, computes the best answer from the scans and returns them: lesson 03 shows why.",
        epilog="example: python -m course sample runs/mnist --steps 50 -n 64 --label 7 --scale 2 --out grid.png",
    )
    sample.add_argument(
        "source",
        help="a network that comes with the course (digits, mnist, cifar10, those of lessons 04, 08), or a folder or "
        "a file of `train`; digits-exact, mnist_mini-exact: the exact denoiser of those scans",
    )
    sample.add_argument("--steps", type=whole_number(1, 1000), default=50, help="steps of the walk (default 50)")
    sample.add_argument("-n", type=whole_number(1, 10_000), default=64, help="how many pictures (default 64)")
    sample.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="where the grid of pictures goes")
    sample.add_argument("--gif", type=Path, metavar="FILE.gif", help="also write the way there, as an animation")
    sample.add_argument(
        "--sampler", choices=Known(samplers), default="ddim", metavar="NAME", help="%(choices)s (default ddim)"
    )
    sample.add_argument(
        "--eta", type=number(0, 1), help="noise of ddim (default 0: none) and reverse_sde (default 1: as much as ddpm)"
    )
    sample.add_argument(
        "--schedule",
        choices=Known(noises),
        metavar="NAME",
        help="of an exact denoiser: %(choices)s (default linear)",
    )
    sample.add_argument("--label", type=whole_number(0, 999), help="draw this class only (networks that know labels)")
    sample.add_argument(
        "--scale", type=number(0, 100), help="guidance towards the label: 1 is none (default), 2 is strong"
    )
    sample.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: COURSE_DEVICE, or a GPU where there is one)")
    sample.add_argument(
        "--seed",
        type=whole_number(0, 2**63 - 1),
        default=0,
        help="the same seed and options draw the same pictures; where noise is added on the way (ddpm, --eta), another "
        "-n draws all of them anew (default 0)",
    )
    sample.set_defaults(main=main)


def main(chosen):
    """Draw, write, and say what was written. Raises UserError for a wrong use, or where the source is no good."""
    if chosen.eta is not None and "eta" not in inspect.signature(samplers()[chosen.sampler]).parameters:
        raise UserError(f"--eta is the noise of ddim and reverse_sde; {chosen.sampler} has none to set", code=2)
    for path, suffix in ((chosen.out, ".png"), (chosen.gif, ".gif")):
        _check_place(path, suffix)

    from course import metrics
    from course.viz import pixels

    try:
        of_scans = chosen.source.endswith(EXACT) and chosen.source in exact()
        device = usable_device(chosen.device or ("cpu" if of_scans else None))
        model, schedule, shape, scans = (_exact if of_scans else _network)(chosen, device)
    except OSError as error:  # its message says what to do
        raise UserError(str(error)) from error
    start = time.perf_counter()
    states = [state.cpu() for state in _walk(model, schedule, shape, chosen, device)]  # each (n, C, H, W)
    seconds = time.perf_counter() - start

    columns = math.ceil(chosen.n**0.5)
    unit = columns * (shape[-1] + 1)
    png = io.BytesIO()
    pixels.grid_image(states[-1], columns, max(1, WIDTH // unit)).save(png, format="PNG")
    write_out(chosen.out, png.getvalue())
    if chosen.gif:
        write_out(chosen.gif, pixels.animate(states, columns, max(1, WIDTH // 2 // unit)))

    where = " and ".join(str(path) for path in (chosen.out, chosen.gif) if path)
    print(f"{chosen.n} pictures out of noise, {chosen.steps} steps of {chosen.sampler}, {seconds:.1f} s: {where}")
    if scans is not None:
        distance, _ = metrics.nearest(states[-1], scans)
        copies, name = int((distance < metrics.COPY).sum()), exact()[chosen.source]
        print(
            f"{copies} of them are copies of a scan in {name} (nearer than {metrics.COPY} rms per pixel): the exact "
            "denoiser of a finite set draws nothing else, given steps enough"
        )
    return 0


def exact():
    """The sets of scans that are always there, by the names that their exact denoisers have here."""
    from course.data import load
    from course.data.sets import LOCAL

    return {name + EXACT: name for name in LOCAL if load(name)[0].ndim == 4}  # points are no scans


def _exact(chosen, device):
    """The exact denoiser of a set of scans: (model, schedule, shape of a picture, scans). Raises UserError."""
    from course.data import load
    from course.exact import FiniteSet

    if chosen.label is not None or chosen.scale is not None:
        raise UserError(f"--label and --scale are for networks; {chosen.source} is an exact denoiser", code=2)
    if device.type != "cpu":
        raise UserError("the exact denoiser computes on the CPU; leave --device away", code=2)
    scans, _ = load(exact()[chosen.source], "all")  # (N, C, H, W)
    schedule = noises()[chosen.schedule or "linear"]()
    return FiniteSet(scans).eps_model(schedule), schedule, scans.shape[1:], scans


def _network(chosen, device):
    """A trained network, guided as wished: (model, schedule, shape of a picture, None). Raises UserError."""
    from course.models import cfg, in_parts

    if chosen.schedule is not None:
        raise UserError("a network walks the schedule that it was trained on; leave --schedule away", code=2)
    others = f"; the exact denoisers are {', '.join(exact())}"
    model, schedule, card = loaded(chosen.source, device, others)
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

    generator = torch.Generator().manual_seed(chosen.seed)
    x_T = torch.randn(chosen.n, *shape, generator=generator).to(device)  # (n, C, H, W)
    cond = None if chosen.label is None else torch.full((chosen.n,), chosen.label, device=x_T.device)
    extra = {} if chosen.eta is None else {"eta": chosen.eta}
    walk = samplers()[chosen.sampler](
        model, schedule, x_T, schedule.grid(chosen.steps), cond=cond, generator=generator, **extra
    )
    shown = max(1, math.ceil(chosen.steps / (FRAMES - 1)))  # every so many steps
    yield x_T
    for done, step in enumerate(walk, start=1):
        if done == chosen.steps or (chosen.gif and done % shown == 0):
            yield step.x
