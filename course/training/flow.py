"""Flow matching and reflow: what a model learns on straight lines between pictures and noise, and pairs of both that
belong together."""

import math

import torch

from course.data import batches
from course.env import moved
from course.forward import convert, normal, q_sample
from course.models import in_parts, net_of
from course.samplers import ddim, last
from course.schedules import as_float64
from course.training.eps import taught


def velocity_loss(model, schedule, x0, t, eps, cond=None):
    """The loss of one batch: the mean squared error of the guessed velocity, eps - x0, 0-dim.

    x0 and eps (B, ...), t (B,) in 0..T, cond (B,) or None. What the network of an `as_eps` model prints is renamed at
    once: by way of eps, an error would grow by 1 + sigma. Lipman et al. 2210.02747, eq. 23 with sigma_min = 0; Liu et
    al. 2209.03003, algorithm 1; lesson 08.
    """
    x_t = q_sample(schedule, x0, t, eps)
    value, kind = net_of(model)(x_t, t, cond), getattr(model, "kind", "eps")
    return (convert(schedule, x_t, t, value, kind, "velocity") - (eps - x0)).square().mean()


def even_times(n, schedule, device=None, generator=None):
    """n times (n,) float64 whose s = sigma / (1 + sigma) are evenly spread from 0 to that of T, and shuffled: each s is
    uniform by itself. On MPS they are float32."""
    device = device or ("cpu" if generator is None else generator.device)
    u = torch.rand((), generator=generator, dtype=torch.float32, device=device)
    order = torch.randperm(n, generator=generator, device=device)
    top = schedule.sigma(schedule.T)
    s = as_float64((order + u) / n).to(top.device) * (top / (1 + top))
    return moved(schedule.t_at_sigma((s / (1 - s)).clamp(max=top)), device)


def train_flow(model, schedule, batches, steps, *, drop=0.1, dead=math.inf, state=None, **options):
    """Train a network to guess the velocity of a flow: `train` with `velocity_loss`, at times even in s.

    It yields Progress, whose `ema` is a model too. `model` is as in `train`, and so are `batches`: (x, y), each x with
    a fresh eps, or (x, y, eps), each with its own, as `pair_batches` makes them: that is reflow. Raises as `train`
    does. Lesson 08.
    """
    yield from taught(
        model, schedule, batches, steps, velocity_loss, even_times, drop, dead=dead, state=state, **options
    )


def own_pairs(model, schedule, shape, n, cond=None, calls=50, generator=None):
    """Pairs of a model's own: pictures that its ODE draws, and the eps that each came from, (n, *shape) twice.

    cond (n,) or None. The ODE takes `calls` Euler steps, even in s. Each eps is that of the straight line from the
    picture to its x_T. Liu et al. 2209.03003, algorithm 1; lesson 08.
    """
    like = torch.empty(n, *shape, dtype=torch.float32, device="cpu" if generator is None else generator.device)
    x_T = moved(normal(like, generator), next(net_of(model).parameters()).device)
    grid = schedule.flow_grid(calls)
    x0 = last(ddim(in_parts(model, 500), schedule, x_T, grid, cond=cond))
    return x0, convert(schedule, x_T, schedule.T, x0, "x0", "eps")


def pair_batches(x0, y, eps, size=64, seed=0):
    """`data.batches` of pairs: a function k -> (x0 (B, ...), y (B,) or None, eps (B, ...)).

    Raises ValueError unless 1 <= size <= len(x0), and where pictures and noises differ in shape.
    """
    if x0.shape != eps.shape:
        raise ValueError(f"each picture needs one eps, but they are {tuple(x0.shape)} and {tuple(eps.shape)}")
    rows = batches(x0.new_zeros(len(x0), 1), torch.arange(len(x0), device=x0.device), size, seed)

    def batch(k):
        chosen = rows(k)[1]
        return x0[chosen], None if y is None else y[chosen], eps[chosen]

    return batch
