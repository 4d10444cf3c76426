"""The rows about time to quality: how long the baseline trains to a Frechet distance, and how long ours does.

The baseline trains for 20 minutes. Ours is measured every 10 seconds of training, on the same noise, until it is as
good. What measuring costs counts for neither.
"""

import hashlib
import time
from functools import partial

import networks
import torch
from measuring import Skip, cores, has_bfloat16

from course import env, schedules
from course.checkpoints import classifier, read, save
from course.data import load
from course.metrics import frechet
from course.samplers import ddim, last

MINUTES = 20  # of the baseline
SAMPLES, STEPS = 1000, 20
REFERENCE = 55_000  # the first training pictures; the rest is held out, also from both networks
PLANNED = {"float32": 160, "bfloat16": 90}  # seconds that the learning rate of ours is planned for
EVERY, LIMIT = 10, 200  # seconds between two measurements of ours, and after which it is given up
SEEDS = (0, 1, 2)


class Judge:
    """The Frechet distance of a model's samples, all drawn from the same x_T (N, C, H, W), to reference features.

    `features` maps pictures (B, C, H, W) to (B, D); `.floor` is the distance of the real, held-out pictures.
    """

    def __init__(self, features, reference, held, x_T, steps=STEPS):
        self.features, self.reference, self.x_T = features, reference, x_T
        self.schedule, self.steps = schedules.linear(), steps
        self.floor = frechet(self._seen(held), reference)

    @torch.no_grad()
    def _seen(self, x):
        return torch.cat([self.features(part.clamp(-1, 1)) for part in x.split(250)])

    def __call__(self, model):
        grid = self.schedule.grid(self.steps)
        x = torch.cat([last(ddim(model, self.schedule, part, grid)) for part in self.x_T.split(250)])
        return frechet(self._seen(x), self.reference)


def judge(bench):
    """The judge of MNIST and the 55,000 training pictures. Raises Skip without the data or the classifier."""
    if networks.data_name() != "mnist":
        raise Skip("it needs MNIST: let COURSE_DATA name the folder that holds it")
    try:
        net, card = classifier("mnist")
    except (ValueError, FileNotFoundError) as error:
        raise Skip("it needs the shipped classifier of MNIST, which is not here") from error
    x, size = load("mnist", "train")[0], bench.size
    known, held = x[: size.pictures(REFERENCE, 1000)], x[REFERENCE:][: size.pictures(SAMPLES)]
    weights = hashlib.sha256(b"".join(w.numpy().tobytes() for w in net.state_dict().values())).hexdigest()
    place = bench.folder / f"reference-{len(known)}-{weights[:12]}.safetensors"
    env.threads(cores())
    if not place.exists():
        with torch.no_grad():
            save(place, {"features": torch.cat([net.features(part) for part in known.split(500)])}, card)
    x_T = torch.randn(size.pictures(SAMPLES), *x.shape[1:], generator=torch.Generator().manual_seed(0))
    return Judge(net.features, read(place)[0]["features"], held, x_T), x[:REFERENCE]


def keep(place, net, optimiser, card):
    """Store a run of the baseline, so that it can go on."""
    tensors = {f"net.{name}": w for name, w in net.state_dict().items()}
    for k, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{k}.{name}": w for name, w in state.items()}
    save(place, tensors, card)


def go_on(place, net, optimiser):
    """Bring net and optimiser to where the stored run stands; returns its card."""
    tensors, card = read(place)
    net.load_state_dict({name[4:]: w for name, w in tensors.items() if name.startswith("net.")})
    state = {}
    for name, w in tensors.items():
        if name.startswith("adam."):
            _, k, key = name.split(".")
            state.setdefault(int(k), {})[key] = w
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    return card


def train_to(place, net, x, judge, seconds, batch=networks.BATCH, clock=time.perf_counter, parts=4, saves=20):
    """Train the baseline for so many seconds: its curve, [[second, distance, step]] at the end of each of
    `parts` equal parts, and its steps.

    Killed, it goes on from the file `place`, which is written `saves` times; `clock` tells the time.
    """
    optimiser, card = torch.optim.Adam(net.parameters(), networks.LR), {"step": 0, "seconds": 0.0, "curve": []}
    if place.exists():
        card = go_on(place, net, optimiser)
    steps = networks.train_baseline(net, optimiser, x, batch, start=card["step"])
    saved = card["seconds"]
    while len(card["curve"]) < parts:
        begun = clock()
        card["step"] = next(steps)
        card["seconds"] += clock() - begun
        due = card["seconds"] >= seconds * (len(card["curve"]) + 1) / parts
        if due:
            net.eval()
            card["curve"].append([card["seconds"], judge(networks.as_model(net)), card["step"]])
            net.train()
            print(f"  {card['seconds']:.0f} s, {card['step']} steps: distance {card['curve'][-1][1]:.2f}", flush=True)
        if due or card["seconds"] - saved >= seconds / saves:
            keep(place, net, optimiser, card)
            saved = card["seconds"]
    return card


def baseline(bench):
    """The row: the baseline's distance at 5, 10, 15 and 20 minutes of training, and the floor."""
    judged, x = judge(bench)
    seconds = bench.size.seconds(60 * MINUTES)
    place = bench.folder / f"baseline-{seconds:.0f}s.safetensors"
    found = train_to(place, networks.baseline_net(), x, judged, seconds, bench.size.batch(networks.BATCH))
    place.unlink()
    found |= {"floor": judged.floor, "threads": cores(), "samples": len(judged.x_T)}
    return found | {"reference": len(judged.reference), "every": bench.size.seconds(EVERY)}


def pace(name, x, precision, seconds):
    """Seconds a step of ours, from a short try on another network of the same kind."""
    steps = networks.train_ours(networks.our_model(name), name, x, 10**6, precision)
    taken = []
    for progress in steps:
        taken.append(progress.seconds)
        if progress.seconds > seconds and len(taken) >= 8:
            break
    late = taken[len(taken) // 2 :]  # the first are slow: kernels are chosen, memory is fetched
    return (late[-1] - late[0]) / (len(late) - 1)


def chase(training, judge, target, every, limit):
    """Follow a training (a generator of Progress) until its average is as good as `target`, or for `limit` seconds.

    Returns the curve, [[second, distance, step]], measured once in `every` seconds and at the end of the training.
    """
    curve, mark, unseen = [], every, None
    for progress in training:
        unseen = progress
        if progress.seconds >= mark:
            curve.append([progress.seconds, judge(progress.ema), progress.step])
            unseen, mark = None, every * (progress.seconds // every + 1)
            print(f"  {progress.seconds:.0f} s, {progress.step} steps: distance {curve[-1][1]:.2f}", flush=True)
            if curve[-1][1] <= target or progress.seconds >= limit:
                break
    if unseen is not None:  # the plan's steps are done
        curve.append([unseen.seconds, judge(unseen.ema), unseen.step])
    return curve


def reached(curve, target):
    """The first second of a curve at which the distance was at most the target, or None."""
    return next((second for second, distance, _ in curve if distance <= target), None)


def ours(bench, precision, seed):
    """The row: ours, one seed, from the start to the baseline's last distance."""
    target = bench.needs("baseline")["curve"][-1][1]
    if precision == "bfloat16" and not has_bfloat16():
        raise Skip("this processor does not multiply bfloat16 in hardware")
    judged, x = judge(bench)
    kind, size = getattr(torch, precision), bench.size
    plan = max(2, round(size.seconds(PLANNED[precision]) / pace("mnist", x, kind, size.seconds(6))))
    training = networks.train_ours(networks.our_model("mnist", seed), "mnist", x, plan, kind, seed)
    curve = chase(training, judged, target, size.seconds(EVERY), size.seconds(LIMIT))
    return {"curve": curve, "target": target, "steps": plan, "seconds": reached(curve, target)}


OURS = {f"{precision}-{seed}": partial(ours, precision=precision, seed=seed) for precision in PLANNED for seed in SEEDS}
