"""What a diffusion model learns and is judged by: the eps loss, the times it is asked at, and the losses held out."""

import math

import torch

from course import NULL
from course.forward import normal, q_sample
from course.models import net_of, with_net
from course.training.loop import device_of, loop

DEAD = 4.0  # the loss of a run that has diverged: answering zero, always, scores 1


def loss_fn(model, schedule, x0, t, eps, cond=None):
    """The loss of one batch: the mean squared error of the guessed noise, 0-dim, and the same for any model.

    x0 and eps (B, ...), t (B,) in 1..T, cond (B,) or None. Ho et al. 2006.11239, eq. 14; lesson 04.
    """
    return (model(q_sample(schedule, x0, t, eps), t, cond) - eps).square().mean()


def x0_loss(model, schedule, x0, t, eps, cond=None):
    """The mean squared error of the guessed picture, 0-dim, of an `as_eps` model whose network prints x0.

    It is the eps loss of each picture divided by snr(t): from 1e4 at t = 1 to 4e-5 at T on `linear`, so that in eps
    units nothing but the first times would be learned, if anything. Salimans, Ho 2202.00512, sec. 4; lesson 04.
    """
    return (model.net(q_sample(schedule, x0, t, eps), t, cond) - x0).square().mean()


def spread_times(n, T, device=None, generator=None):
    """n times in 1..T, evenly spread and shuffled, each uniform on 1..T by itself: (n,) long.

    The mean loss of a batch varies about three times less than with independent times. Kingma et al. 2107.00630.
    """
    device = device or ("cpu" if generator is None else generator.device)
    u = torch.rand((), generator=generator, dtype=torch.float32, device=device)
    t = ((torch.arange(n, device=device) + u) / n * T).long() + 1  # (n,)
    return t.clamp(max=T)[torch.randperm(n, generator=generator, device=device)]


def train(model, schedule, batches, steps, *, drop=0.1, dead=None, state=None, **options):
    """Train a network to guess the noise: `loop` with the eps loss; yields its Progress, whose `ema` is a model too.

    `model` is a network that prints eps, or `as_eps` around one; a network that prints x0 learns by `x0_loss`, which
    is what Progress then tells. `batches(k)` is (x (B, ...), y (B,) or None) for any k = 0, 1, ..., as `data.batches`
    makes it, or (x, y, eps) where each x has an eps of its own; an iterable of these will do as long as no `state` is
    to be gone on from. Labels are dropped with probability `drop`. A loss above `dead` ends the training: 4 of eps, as
    answering zero scores 1; of x0 there is no limit. `options` go to `loop`. Raises as `loop` does, and ValueError for
    conditions other than labels, which cannot be dropped here, and for batches that end, or that cannot go on from a
    state.
    """
    own = getattr(model, "kind", "eps") == "x0"
    error, dead = x0_loss if own else loss_fn, (math.inf if own else DEAD) if dead is None else dead

    def times(n, schedule, device, generator):
        return spread_times(n, schedule.T, device, generator)

    yield from taught(model, schedule, batches, steps, error, times, drop, dead=dead, state=state, **options)


def taught(model, schedule, batches, steps, error, times, drop, *, state=None, **options):
    """What `train` and `train_flow` share: `loop` with `error(model, schedule, x0, t, eps, cond)` as the loss.

    `times(n, schedule, device, generator)` gives the t (n,) of a batch; one with an eps of its own, (x0, y, eps), keeps
    it.
    """
    net = net_of(model)
    device = device_of(net)
    schedule, batch = schedule.to(device), _by_number(batches, state)

    def loss(net, k, generator):
        x0, y, *own = batch(k)
        t = times(len(x0), schedule, device, generator)  # (B,)
        eps = own[0] if own else normal(x0, generator)
        if y is not None and drop:
            if y.ndim != 1 or y.is_floating_point():
                raise ValueError(f"only labels (B,) are dropped here, not conditions {tuple(y.shape)}: take drop=0")
            chance = torch.rand(len(y), generator=generator, dtype=torch.float32, device=device)
            y = torch.where(chance < drop, NULL, y)
        return error(with_net(model, net, schedule=schedule), schedule, x0, t, eps, y)

    for progress in loop(net, loss, steps, state=state, **options):
        yield progress.of(with_net(model, progress.ema, schedule=schedule))


def _by_number(batches, state):
    """Batches as a function of their number."""
    if callable(batches):
        return batches
    if state is not None:
        raise ValueError("an iterable begins at its first batch: to go on from a state, take batches(k), any k")
    rest = iter(batches)

    def following(k):
        for batch in rest:
            return batch
        raise ValueError(f"the batches ended after {k}: let them go on for ever, or take fewer steps")

    return following


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
        t = spread_times(len(x), schedule.T, generator=generator).to(x.device)
        means.append(_losses(model, schedule, x, t, normal(x, generator), cond).mean())
    means = torch.stack(means)
    return means.mean().item(), (means.std() / repeats**0.5).item()
