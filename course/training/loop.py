"""The loop of every training here: any network, any loss, an average of the weights; to be left and entered again.

All randomness is counter-based: what loss number k draws comes from (seed, k). So the state of a run is its weights,
their average, the optimiser and the step, and nothing else.
"""

import copy
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
import torch.nn as nn

from course.checks import trusting
from course.training.checkpoints import restore, snapshot


class Diverged(ArithmeticError):
    """Training went wrong; the message names the step and the loss."""


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a training stands, after the update: steps done, the mean loss since the last report, the averaged model,
    and the seconds that the steps took.

    It is live, no record: `ema` is the same model at every report and moves with the next step, and `state()` raises
    RuntimeError once that has begun. Copy what is to be kept.
    """

    step: int
    loss: float
    ema: Callable  # the network, or of the kind that went into `train`: then it samples
    seconds: float
    state: Callable  # () -> dict of tensors, copies, all that `loop(..., state=...)` needs

    def of(self, model):
        """The same report with another averaged model."""
        return replace(self, ema=model)


def device_of(net):
    """Where a network that is to be trained lies. Raises ValueError where none of its weights can be trained."""
    for weight in net.parameters():
        if weight.requires_grad:
            return weight.device
    raise ValueError("no weight of this network can be trained; call net.requires_grad_(True), if it has weights")


class EMA:
    """An exponential moving average of a network's weights, in `.net`, a copy of it.

    `update(net, step)` keeps d = min(decay, (1 + step) / (10 + step)) of the past, step counted from 0: the warm-up
    lets go of the random start. Buffers are copied. Raises ValueError unless 0 <= decay < 1. Lesson 04.
    """

    def __init__(self, net, decay):
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie in [0, 1), so it cannot be {decay}")
        self.net, self.decay = copy.deepcopy(net).eval().requires_grad_(False), decay

    @torch.no_grad()
    def update(self, net, step):
        """Move the average towards the weights of `net`."""
        keep = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.net.parameters()), list(net.parameters()), 1 - keep)
        for mine, theirs in zip(self.net.buffers(), net.buffers(), strict=True):
            mine.copy_(theirs)


class _Run:
    """A network in training: its average, its optimiser, and the step that it is in."""

    def __init__(self, net, lr, betas, weight_decay, decay, precision):
        self.net, self.ema, self.step, self.resting = net, EMA(net, decay), 0, True
        self.device = device_of(net)
        self.weights = [p for p in net.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.weights, lr, betas=betas, weight_decay=weight_decay, fused=True)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == torch.float16)

    def enter(self, state):
        """Go on from a state: returns the steps and the seconds behind it."""
        self.step, seconds = restore(state, self.net, self.ema.net, self.optimiser, self.scaler)
        return self.step, seconds

    def update(self, rate, clip):
        """One step of the optimiser with the gradients that are there; returns their norm before it was clipped."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.scaler.unscale_(self.optimiser)
        norm = nn.utils.clip_grad_norm_(self.weights, clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.ema.update(self.net, self.step)
        self.step += 1
        return norm

    def state(self, step, seconds):
        """The function behind `Progress.state`."""

        def taken():
            if self.step != step or not self.resting:
                raise RuntimeError(f"the state of step {step} is gone: ask for it before the next step begins")
            return snapshot(step, seconds, self.net, self.ema.net, self.optimiser, self.scaler)

        return taken


def learning_rate(step, steps, lr, warm_up, floor):
    """The rate of a step, counted from 0: rising evenly for `warm_up` steps, falling along a cosine to floor * lr."""
    fall = floor + (1 - floor) * (1 + math.cos(math.pi * step / steps)) / 2
    return lr * min(1, (step + 1) / max(1, warm_up)) * fall


def loop(
    net, loss, steps, *, lr=2e-3, betas=(0.9, 0.99), weight_decay=0.0, warm_up=50, floor=0.02, clip=1.0, decay=0.999,
    seed=0, dead=math.inf, precision=torch.float32, every=1, wrap=None, parts=1, state=None,
):  # fmt: skip
    """Train a network on any loss; yields a Progress every `every` steps and after the last. Lesson 04.

    `loss(net, k, generator)` is a 0-dim tensor: number k = 0, 1, ... of the whole training, all chance from the
    generator, on the network's device. AdamW, its rate as `learning_rate` says, gradients clipped at the norm `clip`;
    float32, or autocast to `precision`. `wrap` is a function from network to network, such as torch.compile: losses
    ask what it returns. A step gathers the gradients of `parts` losses, their mean. `state` is that of a Progress: the
    run goes on from there as if it had never stopped. Raises Diverged where the loss is not finite or above `dead`,
    ValueError where `state` is another network's or parts < 1.
    """
    if parts < 1:
        raise ValueError(f"a step needs one loss at least, so parts cannot be {parts}")
    run = _Run(net, lr, betas, weight_decay, decay, precision)
    start, seconds = (0, 0.0) if state is None else run.enter(state)
    called = net if wrap is None else wrap(net)
    autocast = nullcontext() if precision == torch.float32 else torch.autocast(run.device.type, dtype=precision)
    losses, norms, begun = [], [], time.perf_counter()
    net.train()
    for step in range(start, steps):
        run.resting = False
        run.optimiser.zero_grad()
        for k in range(step * parts, (step + 1) * parts):
            generator = torch.Generator(run.device).manual_seed(seed * 1_000_003 + k)
            with autocast, nullcontext() if step == start else trusting():  # the first looks at what it is given
                value = loss(called, k, generator) / parts
            run.scaler.scale(value).backward()
            losses.append(value.detach())
        norms.append(run.update(learning_rate(step, steps, lr, warm_up, floor), clip))
        if (step + 1) % every and step + 1 < steps:
            continue
        mean = _judged(torch.stack(losses).reshape(-1, parts).sum(1), norms, run.scaler, step + 1, dead)
        losses, norms = [], []
        seconds += time.perf_counter() - begun
        run.resting = True
        yield Progress(step + 1, mean, run.ema.net, seconds, run.state(step + 1, seconds))
        net.train()
        begun = time.perf_counter()


def _judged(losses, norms, scaler, step, dead):
    """The mean of the losses (n,) since the last report. Raises Diverged. The only wait for a GPU, once a report."""
    bad = losses.new_zeros(()) if scaler.is_enabled() else (~torch.stack(norms).isfinite()).any()
    mean, worst, broken = torch.stack([losses.mean(), losses.max(), bad.to(losses.dtype)]).tolist()
    # in float16 the scaler skips the step of a gradient that is not finite; elsewhere it would be learned
    if broken or not worst <= dead:
        what = "a gradient is not finite" if worst <= dead else f"the loss is {worst:.3g}"
        raise Diverged(f"{what} near step {step}: a smaller learning rate may help")
    return mean
