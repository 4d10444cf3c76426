"""What `train` does once its wishes are known: plan a run, keep it going, and say what it learned."""

import copy
import io
import platform
import time
from itertools import islice

from course.commands import CHECKPOINT, UserError, write_whole

# What was found to learn fastest on two processor cores. held: training pictures kept back to measure the loss with.
RECIPES = {
    "digits": {"width": 24, "mults": [1, 2], "patch": 1, "batch": 64, "lr": 3e-3, "decay": 0.995, "held": 0},
    "mnist_mini": {"width": 32, "mults": [1, 2], "patch": 2, "batch": 64, "lr": 2e-3, "decay": 0.995, "held": 100},
    "mnist": {"width": 32, "mults": [1, 2], "patch": 2, "batch": 64, "lr": 4e-3, "decay": 0.999, "held": 5000},
    "fashion_mnist": {"width": 32, "mults": [1, 2], "patch": 2, "batch": 64, "lr": 4e-3, "decay": 0.999, "held": 5000},
    "cifar10": {"width": 64, "mults": [1, 2, 2], "patch": 2, "batch": 128, "lr": 1e-3, "decay": 0.999, "held": 1000},
}
TIMES = (1, 10, 50, 100, 200, 300, 500, 700, 1000)  # noise levels of the report at the end


def no_memory(error):
    """Whether an error says that memory ran out, in the words of CUDA, of torch's CPU allocator, or of oneDNN."""
    import torch

    words = (
        "can't allocate memory",
        "out of memory",
        "not enough memory",
        "could not allocate",
        "could not create a primitive",
    )
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in str(error).lower() for word in words)


def plan(chosen, name, x, y, device):
    """The card of a new run. --minutes become a number of steps here, once; a batch that does not fit is halved."""
    import torch

    from course import env
    from course.training.checkpoints import describe
    from course.unet import UNet

    recipe = {**RECIPES[name], "seed": chosen.seed, "drop": 0.1, "warm_up": 50}
    recipe["precision"] = chosen.precision or str(env.precision(device)).removeprefix("torch.")
    recipe["width"] = chosen.width or recipe["width"]
    recipe["batch"] = min(chosen.batch or recipe["batch"], len(x))
    classes = int(y.max()) + 1 if chosen.classes else 0
    shape = {"width": recipe.pop("width"), "mults": recipe.pop("mults"), "patch": recipe.pop("patch")}
    try:
        net = UNet(x.shape[1], num_classes=classes, **shape).to(device)
    except ValueError as error:
        raise UserError(str(error), code=2) from error
    card = {"net": describe(net), "schedule": "linear", "prints": "v", "data": name, "recipe": recipe}
    card |= {"shape": list(x.shape[1:])}
    card |= {"device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine() + " CPU"}
    card |= {"threads": env.threads(), "torch": torch.__version__}
    while True:
        try:
            pace = _pace(copy.deepcopy(net), card, x, y, 0 if chosen.steps else 20)
            break
        except (RuntimeError, MemoryError) as error:
            if not no_memory(error) or recipe["batch"] == 1:
                raise
            print(f"Too little memory for {recipe['batch']} pictures a step: going on with {recipe['batch'] // 2}.")
            recipe["batch"] //= 2
    recipe["steps"] = chosen.steps or max(1, round(chosen.minutes * 60 / pace))
    return card


def _pace(net, card, x, y, steps):
    """Seconds a step, from a short try on a copy of the network; at least two steps, to see that they fit."""
    seconds = [progress.seconds for progress in islice(_training(net, card, x, y, 10**6, every=1), steps + 2)]
    late = seconds[len(seconds) // 2 :]  # the first are slow: kernels are chosen, memory is fetched
    return (late[-1] - late[0]) / max(1, len(late) - 1)


def _training(net, card, x, y, steps, every, state=None):
    """The generator of `train` for this card, on pictures x (N, ...) with labels y (N,)."""
    import torch

    from course import schedules
    from course.data import batches
    from course.models import as_eps
    from course.training.eps import train

    recipe, device = card["recipe"], x.device
    schedule = getattr(schedules, card["schedule"])()
    labels = y if card["net"]["num_classes"] else None
    return train(
        as_eps(net, schedule, card["prints"]),
        schedule,
        batches(x, labels, recipe["batch"], recipe["seed"]),
        steps,
        **{key: recipe[key] for key in ("lr", "decay", "drop", "warm_up", "seed")},
        precision=getattr(torch, recipe["precision"]),
        wrap=torch.compile if device.type == "cuda" else None,
        every=every,
        state=state or None,
    )


def go(chosen, net, card, state, pictures, device):
    """Train to the end of the card's steps, with a bar, checkpoints and sample grids on the way; then report."""
    from tqdm import tqdm

    from course.training.checkpoints import save

    place, steps, batch = chosen.out / CHECKPOINT, card["recipe"]["steps"], card["recipe"]["batch"]
    done, spent = (int(state["step"]), float(state["seconds"])) if state else (0, 0.0)
    if done >= steps:
        raise UserError(f"{chosen.out} is at its last step, {steps}, already; `sample` draws from it")
    print(f"{card['data']}: {steps} steps of {batch} pictures, {card['recipe']['precision']}, on {card['device']}")
    saved, start = time.perf_counter(), done
    with tqdm(total=steps, initial=done, unit="step", mininterval=0.5) as bar:
        for progress in _training(net, card, *pictures[:2], steps, 10 if device.type == "cuda" else 1, state):
            bar.update(progress.step - bar.n)
            speed = batch * (progress.step - start) / (progress.seconds - spent)
            bar.set_postfix_str(f"loss {progress.loss:.4f}, {speed:.0f} images/s")
            if time.perf_counter() - saved > 60 * chosen.every or progress.step == steps:
                save(place, progress.state(), card | {"step": progress.step, "seconds": round(progress.seconds, 1)})
                _draw(chosen.out / "samples" / f"{progress.step:07d}.png", progress.ema, card, pictures[0])
                saved = time.perf_counter()
    print(f"{progress.seconds:.0f} s of training, {speed:.0f} images/s; the run is in {chosen.out}")
    _report(progress.ema, card, pictures)
    return 0


def _draw(path, model, card, like):
    """A grid of 64 samples from fixed noise: 20 steps of DDIM, labels 0, 1, 2, ... where the network knows them."""
    import torch

    from course import schedules, viz
    from course.samplers import ddim, last

    classes, size = card["net"]["num_classes"], like.shape[-1]
    noise = torch.randn(64, *like.shape[1:], generator=torch.Generator().manual_seed(0))
    labels = torch.arange(64, device=like.device) % classes if classes else None
    schedule = getattr(schedules, card["schedule"])()
    x = last(ddim(model, schedule, noise.to(like.device), schedule.grid(20), cond=labels))
    png = io.BytesIO()
    viz.grid_image(x.cpu(), 8, max(1, 512 // (8 * size))).save(png, format="PNG")
    write_whole(path, png.getvalue())


def _report(model, card, pictures):
    """Print the eps loss at each noise level, on pictures the network never saw and on as many that it trained on."""
    import torch

    from course import schedules
    from course.training.eps import held_out_loss, loss_per_t

    schedule, parts = getattr(schedules, card["schedule"])(), {}
    for name, x, y in (("held out", *pictures[2:]), ("training", *pictures[:2])):
        x, y = x[:2000], y[:2000] if card["net"]["num_classes"] else None
        seed = torch.Generator().manual_seed(0)
        parts[name] = (*held_out_loss(model, schedule, x, y, generator=seed), loss_per_t(model, schedule, x, TIMES, y))
    print("eps loss      mean " + "".join(f"{f't = {t}':>10}" for t in TIMES))
    for name, (mean, error, losses) in parts.items():
        print(
            f"{name}  {mean:.4f} " + "".join(f"{loss:10.5f}" for loss in losses.tolist()) + f"  (mean +- {error:.4f})"
        )
