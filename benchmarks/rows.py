"""The rows of the quick benchmark that train or sample with a network: speed, its parts, and what a sampler adds."""

import time

import networks
import torch
from measuring import compared, has_bfloat16, measure, rate, thread_counts

from course import env, schedules
from course.samplers import ddim, ddpm, last
from course.training.checkpoints import pretrained

SECONDS = 2.0  # a turn of a training contender
PICTURES, STEPS = 64, 50  # of the sampler row
OPERATIONS, WALKS = 6, 5  # how many a profile names, and of how many walks


def named(name, threads):
    """A contender's name with its threads."""
    return f"{name}, {threads} thread{'s' * (threads > 1)}"


def speed(bench):
    """The row: training speed in images/s, ours against the baseline on as many threads."""
    name, seconds = networks.data_name(), bench.size.seconds(SECONDS)
    x, few = networks.pictures(name), bench.size.batch
    batch, own = few(networks.BATCH), few(networks.RECIPES[name]["batch"])
    contenders, against = {}, {}
    for threads in thread_counts():
        runs = {"baseline, float32": networks.baseline(x, batch), "ours, float32": networks.ours(name, x, batch=own)}
        if has_bfloat16():
            runs["ours, bfloat16"] = networks.ours(name, x, torch.bfloat16, own)
        for who, run in runs.items():
            contenders[named(who, threads)] = rate(run.step, run.batch, threads, seconds)
            against[named(who, threads)] = named("baseline, float32", threads)
    numbers = measure(contenders, bench.size.rounds(11), bench.size.seconds(300))
    sizes = [f"{sum(p.numel() for p in run.net.parameters()):,}" for run in runs.values()]
    text = f"Data: {name}. The baseline has {sizes[0]} weights and trains on batches of {batch}; ours has "
    text += f"{sizes[1]} weights and the recipe of `train`, batches of {own}. "
    text += "Both draw their own batches, times and noise, in the same loop; ours also clips gradients and averages "
    text += "its weights."
    return compared("images/s", numbers, against, text, "higher")


def threads(bench):
    """The row: one thread against two, read from the rounds of the row `speed`."""
    found = bench.needs("speed")["numbers"]
    pairs = [(name, name.replace("2 threads", "1 thread")) for name in found if name.endswith("2 threads")]
    numbers = {name: found[name] for pair in pairs for name in pair}
    text = "The rounds are those of the training speed above."
    return compared("images/s", numbers, dict(pairs), text, "higher")


def parts(bench):
    """The row: what the baseline would gain from our layout and our precision alone; the rest is the network."""
    x, seconds = networks.pictures(networks.data_name()), bench.size.seconds(SECONDS)
    wishes = {"baseline": {}, "baseline, channels last": {"layout": torch.channels_last}}
    if has_bfloat16():
        wishes["baseline, bfloat16"] = {"precision": torch.bfloat16}
        wishes["baseline, bfloat16, channels last"] = {"precision": torch.bfloat16, "layout": torch.channels_last}
    runs = {name: networks.baseline(x, bench.size.batch(networks.BATCH), **wish) for name, wish in wishes.items()}
    contenders = {name: rate(run.step, run.batch, 1, seconds) for name, run in runs.items()}
    text = "Training speed of the baseline's network, one thread, with what ours has and it has not."
    numbers = measure(contenders, bench.size.rounds(7), bench.size.seconds(150))
    return compared("images/s", numbers, text=text, better="higher")


def _mnist():
    """The shipped MNIST model where there is one, else an untrained one of the same kind; and which it is."""
    try:
        return pretrained("mnist")[0], "the shipped network"
    except (ValueError, FileNotFoundError):
        model = networks.our_model("mnist")
        model.net.eval().requires_grad_(False)
        return model, "an untrained network of the recipe (none ships yet; the cost is the same)"


class Recorder:
    """A model that notes what it is asked and answered: `.calls` is a list of ((x, t), eps)."""

    def __init__(self, model):
        self.model, self.calls = model, []

    def __call__(self, x, t, cond=None):
        self.calls.append(((x, t), self.model(x, t, cond)))
        return self.calls[-1][1]


def timed(call):
    """A contender: seconds that a call takes."""

    def turn():
        env.threads(1)
        begun = time.perf_counter()
        with torch.no_grad():
            call()
        return time.perf_counter() - begun

    return turn


def profile(name, walk):
    """What a walk whose model costs nothing spends its time on: text, from the profiler."""
    walk()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        for _ in range(WALKS):
            walk()
    events = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    calls = sum(event.count for event in events) / (WALKS * STEPS)
    lines = [f"{name}: {calls:.0f} operations a step"]
    for event in events[:OPERATIONS]:
        share, each = event.self_cpu_time_total / total, event.count / (WALKS * STEPS)
        lines.append(f"  {event.key.removeprefix('aten::'):24}{each:6.1f} a step {share:6.0%} of the extra")
    return "\n".join(lines)


def sampler(bench):
    """The row: the time of a walk over the time of the same calls of the model alone, and what the extra is made of."""
    model, which = _mnist()
    schedule = schedules.linear()
    grid, x_T = schedule.grid(STEPS), torch.randn(PICTURES, 1, 28, 28, generator=env.seed_all(0))
    recorder = Recorder(model)
    last(ddim(recorder, schedule, x_T, grid))
    calls, eps = recorder.calls, recorder.calls[-1][1]

    def walk(sampler, model):
        generator = torch.Generator().manual_seed(0)
        return last(sampler(model, schedule, x_T, grid, generator=generator))

    def free(x, t, cond=None):  # a model that costs nothing
        return eps

    contenders = {
        f"{STEPS} calls of the model": lambda: [model(*asked) for asked, _ in calls],
        "the same again": lambda: [model(*asked) for asked, _ in calls],
        f"ddim, {STEPS} steps": lambda: walk(ddim, model),
        f"ddpm, {STEPS} steps": lambda: walk(ddpm, model),
        "ddim alone (a model that costs nothing)": lambda: walk(ddim, free),
        "ddpm alone": lambda: walk(ddpm, free),
        "the network without `as_eps`": lambda: [model.net(*asked) for asked, _ in calls],
    }
    contenders = {name: timed(call) for name, call in contenders.items()}
    numbers = measure(contenders, bench.size.rounds(15), bench.size.seconds(180))
    text = f"{PICTURES} pictures of 28 x 28, {which}, float32, one thread. Target: a walk of ddim takes at most 5 % "
    text += "more than the calls it makes."
    found = compared("s", numbers, text=text)
    return found | {"profile": "\n".join(profile(s.__name__, lambda s=s: walk(s, free)) for s in (ddim, ddpm))}
