"""Training as a generator: one loss, an average of the weights, and a loop that can be left and entered again.

All randomness is counter-based: the batch, the times, the noise and the dropped labels of step k come from (seed, k).
So the state of a run is its weights, their average, the optimiser and the step, and nothing else.
"""

import copy
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
import torch.nn as nn

from course import NULL
from course.checkpoints import restore, snapshot
from course.forward import normal, q_sample
from course.models import AsEps

DEAD = 4.0  # the eps loss of a run that has diverged: answering zero, always, scores 1


class Diverged(ArithmeticError):
    """Training went wrong; the message names the step and the loss."""


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a training stands, after the update: steps done, the mean eps loss since the last report, the averaged
    model (of the kind that went in: it samples), and the seconds that the steps took."""

    step: int
    loss: float
    ema: Callable
    seconds: float
    state: Callable  # () -> dict of tensors, all that `train(..., state=...)` needs; to be asked before the next step


def loss_fn(model, schedule, x0, t, eps, cond=None):
    """The loss of one batch: the mean squared error of the guessed noise, 0-dim, and the same for any model.

    x0 and eps (B, ...), t (B,) in 1..T, cond (B,) or None. Ho et al. 2006.11239, eq. 14; lesson 04.
    """
    return (model(q_sample(schedule, x0, t, eps), t, cond) - eps).square().mean()


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


def spread_times(n, T, generator=None, device=None):
    """n times in 1..T, evenly spread and shuffled, each uniform on 1..T by itself: (n,) long.

    The mean loss of a batch varies about three times less than with independent times. Kingma et al. 2107.00630.
    """
    u = torch.rand((), generator=generator, device=device)
    t = ((torch.arange(n, device=device) + u) / n * T).long() + 1  # (n,)
    return t.clamp(max=T)[torch.randperm(n, generator=generator, device=device)]


def train(
    model,
    schedule,
    batches,
    steps,
    *,
    lr=2e-3,
    warm_up=50,
    decay=0.999,
    drop=0.1,
    seed=0,
    precision=torch.float32,
    compile=False,
    every=1,
    state=None,
):
    """Train a network to guess the noise; yields a Progress every `every` steps and after the last.

    `model` is a network that prints eps, or `as_eps` around one; `batches` yields (x (B, ...), y (B,) or None) from
    step 0 on, or from the step of `state` on. AdamW, learning rate rising for `warm_up` steps and falling to 2 % along
    a cosine, gradients clipped at norm 1, labels dropped with probability `drop`, float32 or autocast to `precision`.
    Raises Diverged where the loss is not finite or above 4, ValueError where `state` is another network's.
    """
    net = model.net if isinstance(model, AsEps) else model
    model = replace(model, net=net) if isinstance(model, AsEps) else net
    weights = [p for p in net.parameters() if p.requires_grad]
    device = weights[0].device
    schedule = schedule.to(device)
    optimiser = torch.optim.AdamW(weights, lr, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    scaler = torch.amp.GradScaler(device.type, enabled=precision == torch.float16)
    ema, start, seconds = EMA(net, decay), 0, 0.0
    if state is not None:
        start, seconds = restore(state, net, ema.net, optimiser, scaler)
    fast = torch.compile(net) if compile else net
    fast = replace(model, net=fast, schedule=schedule) if isinstance(model, AsEps) else fast
    autocast = nullcontext() if precision == torch.float32 else torch.autocast(device.type, dtype=precision)
    losses, begun = [], time.perf_counter()
    net.train()
    for step in range(start, steps):
        for group in optimiser.param_groups:
            fall = 0.02 + 0.98 * (1 + math.cos(math.pi * step / steps)) / 2
            group["lr"] = lr * min(1, (step + 1) / max(1, warm_up)) * fall
        x0, y = next(batches)
        generator = torch.Generator(device).manual_seed(seed * 1_000_003 + step)
        t = spread_times(len(x0), schedule.T, generator, device)  # (B,)
        eps = torch.randn(x0.shape, generator=generator, device=device)
        if y is not None and drop:
            y = torch.where(torch.rand(len(y), generator=generator, device=device) < drop, NULL, y)
        with autocast:
            loss = loss_fn(fast, schedule, x0, t, eps, y)
        optimiser.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(weights, 1.0)
        scaler.step(optimiser)
        scaler.update()
        ema.update(net, step)
        # a gradient that is not finite counts as such a loss, except in float16, where the scaler skips the step
        losses.append(loss.detach() if scaler.is_enabled() else loss.detach() + 0 * norm)
        if (step + 1) % every == 0 or step + 1 == steps:
            mean = torch.stack(losses).mean().item()  # waits for a GPU, so not at every step there
            worst, losses = torch.stack(losses).max().item(), []
            if not worst <= DEAD:
                raise Diverged(f"the loss is {worst:.3g} near step {step + 1}: a smaller learning rate may help")
            seconds += time.perf_counter() - begun
            averaged = replace(model, net=ema.net) if isinstance(model, AsEps) else ema.net
            yield Progress(
                step + 1,
                mean,
                averaged,
                seconds,
                lambda done=step + 1, spent=seconds: snapshot(done, spent, net, ema.net, optimiser, scaler),
            )
            net.train()
            begun = time.perf_counter()


@torch.no_grad()
def _losses(model, schedule, x, t, eps, cond, size=500):
    """The eps loss of each picture at its own time, (N,), a part of the pictures at a time."""
    parts = []
    for i in range(0, len(x), size):
        part = slice(i, i + size)
        x_t = q_sample(schedule, x[part], t[part], eps[part])
        eps_hat = model(x_t, t[part], None if cond is None else cond[part])
        parts.append((eps_hat - eps[part]).square().flatten(1).mean(1))
    return torch.cat(parts)


def loss_per_t(model, schedule, x, times, cond=None, generator=None):
    """The eps loss of any model on clean x (N, ...) at each of `times` (n,), one draw of noise for all: (n,).

    cond (N,) or None. The same generator seed makes models comparable: they meet the same noise. Lesson 04.
    """
    eps = normal(x, generator)
    times = torch.as_tensor(times, device=x.device)
    return torch.stack([_losses(model, schedule, x, t.expand(len(x)), eps, cond).mean() for t in times])


def held_out_loss(model, schedule, x, cond=None, repeats=4, generator=None):
    """The eps loss of any model on clean x (N, ...), averaged over 1..T, and its standard error: (mean, error).

    Times are spread evenly over the pictures, shuffled anew for each of `repeats` (at least 2). Lesson 04.
    """
    means = []
    for _ in range(repeats):
        t = spread_times(len(x), schedule.T, generator).to(x.device)
        means.append(_losses(model, schedule, x, t, normal(x, generator), cond).mean())
    means = torch.stack(means)
    return means.mean().item(), (means.std() / repeats**0.5).item()
