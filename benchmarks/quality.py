"""The rows about time to quality: how long the baseline trains to a Frechet distance, and how long ours does.

The baseline trains for 20 minutes. Ours is measured at some moments of its training, on the same noise, until its
samples are as near; the first seed goes on to the end of its plan. The loss on held-out pictures, which no sampler can
spoil, is measured as well.
Training is counted in steps, and a step costs what the row `speed` measured, where both took turns: these runs
are too long for that, and whatever else the machine does meanwhile slows them down without falsifying them.
"""

import hashlib
import math
from functools import partial

import networks
import torch
from measuring import Skip, cores, has_bfloat16, rate_of

from course import schedules
from course.data import load
from course.metrics import frechet
from course.models import clip_x0, from_diffusers
from course.samplers import ddim, last
from course.training.card import Card
from course.training.checkpoints import classifier, read, save
from course.training.eps import held_out_loss

MINUTES = 20  # of the baseline
SAMPLES, STEPS = 1000, 20
REFERENCE = 55_000  # the first training pictures; the rest is held out, also from both networks
PLANNED = {"float32": 160, "bfloat16": 90}  # seconds that the learning rate of ours is planned for
MARKS = (5, 10, 15, 20, 40, 80, 160)  # the seconds of training at which ours is measured, besides its end
SEEDS = (0, 1, 2)


class Judge:
    """How good a model is: the Frechet distance of its samples to reference features, and its held-out loss.

    `features` maps pictures (B, C, H, W) to (B, D); all models start from the same x_T (N, C, H, W). Half-trained
    networks may draw better when the guess of x_0 is clipped at each step: with `clip` that is tried, too, and the
    better way counts. `.floor` is the distance of real, held-out pictures.
    """

    def __init__(self, features, reference, held, x_T, steps=STEPS, clip=True):
        self.features, self.reference, self.held, self.x_T, self.clip = features, reference, held, x_T, clip
        self.schedule, self.steps = schedules.linear(), steps
        self.floor = frechet(self._seen(held), reference)

    @torch.no_grad()
    def _seen(self, x):
        return torch.cat([self.features(part.clamp(-1, 1)) for part in x.split(250)])

    def __call__(self, model):
        """(distance, loss) of a model that prints eps."""
        grid, found = self.schedule.grid(self.steps), []
        for one in (model, clip_x0(model, self.schedule))[: 1 + self.clip]:
            x = torch.cat([last(ddim(one, self.schedule, part, grid)) for part in self.x_T.split(250)])
            found.append(frechet(self._seen(x), self.reference))
        seed = torch.Generator().manual_seed(0)
        with torch.no_grad():
            return min(found), held_out_loss(model, self.schedule, self.held, generator=seed)[0]


def judge(bench, clip=True):
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
    if not place.exists():
        with torch.no_grad():
            save(place, {"features": torch.cat([net.features(part) for part in known.split(500)])}, card)
    x_T = torch.randn(size.pictures(SAMPLES), *x.shape[1:], generator=torch.Generator().manual_seed(0))
    return Judge(net.features, read(place)[0]["features"], held, x_T, clip=clip), x[:REFERENCE]


def point(second, step, judged):
    """One point of a curve, [second, step, distance, loss], also printed."""
    print(f"  {second:.0f} s, {step} steps: distance {judged[0]:.2f}, loss {judged[1]:.4f}", flush=True)
    return [second, step, *judged]


def train_to(place, net, x, judge, seconds, pace, batch=networks.BATCH, parts=2, saves=20):
    """Train the baseline for so many seconds: its curve, [[second, step, distance, loss]] at the end of each of
    `parts` equal parts, and its steps.

    A step counts for `pace` seconds. Killed, it goes on from the file `place`, which is written `saves` times.
    """
    state, card = read(place) if place.exists() else (None, Card(step=0))
    curve, saved, steps = card.metrics.get("curve", []), card.step, math.ceil(seconds / pace)
    for progress in networks.train_baseline(net, x, steps, batch, state=state):
        spent = progress.step * pace
        due = spent >= seconds * (len(curve) + 1) / parts
        if due:
            curve.append(point(spent, progress.step, judge(from_diffusers(net.eval(), schedules.linear()))))
        if due or (progress.step - saved) * pace >= seconds / saves:
            save(place, progress.state(), Card(step=progress.step, metrics={"curve": curve}))
            saved = progress.step
    return {"step": saved, "curve": curve}


def baseline(bench):
    """The row: the baseline's distance at 10 and 20 minutes of training, and the floor."""
    pace = networks.BATCH / rate_of(bench.needs("speed"), "baseline, float32")
    judged, x = judge(bench)
    seconds = bench.size.seconds(60 * MINUTES)
    place = bench.folder / f"baseline-{seconds:.0f}s.safetensors"
    found = train_to(place, networks.baseline_net(), x, judged, seconds, pace, bench.size.batch(networks.BATCH))
    place.unlink()
    found |= {"floor": judged.floor, "threads": cores(), "samples": len(judged.x_T)}
    return found | {"reference": len(judged.reference), "pace": pace}


def chase(training, judge, target, marks, pace, whole=False):
    """Follow a training (a generator of Progress) until its average's distance is at most `target`, or, if `whole`, to
    its end. A step counts for `pace` seconds.

    Returns the curve, [[second, step, distance, loss]], measured at the first step after each of `marks` (in seconds)
    and after the last step.
    """
    curve, marks, unseen = [], list(marks), None
    for unseen in training:
        if marks and unseen.step * pace >= marks[0]:
            curve.append(point(unseen.step * pace, unseen.step, judge(unseen.ema)))
            marks, unseen = [mark for mark in marks if mark > curve[-1][0]], None
            if curve[-1][2] <= target and not whole:
                break
    if unseen is not None:  # the plan's steps are done
        curve.append(point(unseen.step * pace, unseen.step, judge(unseen.ema)))
    return curve


def reached(curve, target):
    """The first second of a curve with at most the target's distance, or None."""
    return next((second for second, _, distance, _ in curve if distance <= target), None)


def ours(bench, precision, seed):
    """The row: ours, one seed, from the start to the baseline's last distance; the first seed to its end."""
    target = bench.needs("baseline")["curve"][-1][2]
    if precision == "bfloat16" and not has_bfloat16():
        raise Skip("this processor does not multiply bfloat16 in hardware")
    judged, x = judge(bench, clip=False)  # ours draws best as it is
    kind, size = getattr(torch, precision), bench.size
    pace = networks.RECIPES["mnist"]["batch"] / rate_of(bench.needs("speed"), f"ours, {precision}")
    plan = max(2, round(size.seconds(PLANNED[precision]) / pace))
    training = networks.train_ours(networks.our_model("mnist", seed), "mnist", x, plan, kind, seed)
    marks = [size.seconds(mark) for mark in MARKS]
    curve = chase(training, judged, target, marks, pace, whole=seed == SEEDS[0])
    return {"curve": curve, "target": target, "steps": plan, "seconds": reached(curve, target), "pace": pace}


OURS = {f"{precision}-{seed}": partial(ours, precision=precision, seed=seed) for precision in PLANNED for seed in SEEDS}
