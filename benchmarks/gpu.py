"""The row about a GPU: images a second against the baseline's, and the share of what the chip could multiply."""

import networks
import torch
from measuring import Skip, compared, measure, rate
from torch.utils.flop_counter import FlopCounterMode

from course import env, schedules
from course.models import from_diffusers
from course.training.eps import loss_fn

# Dense bfloat16 peaks in TFLOP/s, from the makers' data sheets; a T4 has float16 only. Longer names come first.
PEAKS = {
    "H100 PCIe": 756,
    "H100 NVL": 835,
    "H100": 989,
    "H200": 989,
    "A100": 312,
    "T4": 65,
    "L4": 121,
}
EVERY = 20  # steps between two looks at the loss, each of which waits for the GPU
WIDE = 1024  # a batch that fills a large GPU


def peak(device_name):
    """The dense half-precision peak of a GPU in FLOP/s, or None where its name is not in the table."""
    words = device_name.replace("-", " ").split()
    for name, tera in PEAKS.items():
        if all(word in words for word in name.split()):
            return tera * 1e12
    return None


def flops(model, shape, device):
    """Floating-point operations of one picture's share of a training step, counted: forward and backward."""
    x = torch.zeros(4, *shape, device=device)
    t = torch.ones(4, dtype=torch.long, device=device)
    with FlopCounterMode(display=False) as counter:
        loss_fn(model, schedules.linear().to(device), x, t, torch.ones_like(x)).backward()
    return counter.get_total_flops() / 4


def contenders(name, x, seconds, wide=WIDE, compiled=True):
    """Who is measured: {name: contender}, and the flops of a picture of ours and of the baseline's."""
    precision, device = env.precision(x.device), x.device
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    turns = {}
    base = networks.baseline(x)
    turns["baseline, float32"] = rate(base.step, base.batch, 1, seconds, wait)
    for batch in (networks.RECIPES[name]["batch"], wide):
        model = networks.our_model(name)
        model.net.to(device)
        steps = networks.train_ours(
            model, name, x, 10**7, precision, 0, batch, wrap=torch.compile if compiled else None, every=EVERY
        )
        label = f"ours, {str(precision).removeprefix('torch.')}, batch {batch}"
        turns[label] = rate(lambda steps=steps: next(steps), batch * EVERY, 1, seconds, wait)
    cost = {
        "ours": flops(model, x.shape[1:], device),
        "baseline": flops(from_diffusers(base.net, schedules.linear()), x.shape[1:], device),
    }
    return turns, cost


def gpu(bench):
    """The row. Raises Skip where there is no GPU."""
    if not torch.cuda.is_available():
        raise Skip("no GPU was here")
    name, device = networks.data_name(), torch.device("cuda")
    x = networks.pictures(name).to(device)
    turns, cost = contenders(name, x, bench.size.seconds(3.0), min(WIDE, len(x)))
    numbers = measure(turns, bench.size.rounds(7), bench.size.seconds(180))
    found = compared("images/s", numbers, better="higher", text=f"{torch.cuda.get_device_name()}; data: {name}.")
    return found | {"flops": cost, "peak": peak(torch.cuda.get_device_name())}
