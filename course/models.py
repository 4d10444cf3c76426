"""Wrappers from model to model: another prediction, guidance, a limit, another schedule, a library's network, smaller
batches, a count. Samplers never know.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn as nn

from course import NULL
from course.checks import holds
from course.env import moved
from course.forward import KINDS, convert
from course.schedules import Schedule, as_times


@dataclass(frozen=True)
class AsEps:
    """A model that prints eps, made from a `net` that prints `kind`; `dataclasses.replace` gives it another net."""

    net: Callable
    schedule: Schedule
    kind: str

    def __call__(self, x, t, cond=None):
        return convert(self.schedule, x, t, self.net(x, t, cond), self.kind, "eps")


def as_eps(model, schedule, kind):
    """Wrap a model that prints `kind` as a model that prints eps; `.net` is the model.

    `kind` is "eps", "x0", "v", "score", or a flow's "velocity", eps - x0 at the schedule's level. Raises ValueError for
    an unknown one.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    return AsEps(model, schedule, kind)


def net_of(model):
    """The network that an `as_eps` model asks; of a bare network, itself."""
    return model.net if isinstance(model, AsEps) else model


def with_net(model, net, **changes):
    """The same model around another network; `changes` are other fields of an `as_eps` model, such as its schedule."""
    return replace(model, net=net, **changes) if isinstance(model, AsEps) else net


def _nothing(cond, null):
    """The condition that stands for none, of the shape and type of cond (B, ...)."""
    if null is None:
        if cond.ndim != 1 or cond.is_floating_point():
            kind = str(cond.dtype).removeprefix("torch.")
            given = f"cond, {kind} {tuple(cond.shape)}"
            raise ValueError(f"{given}, is not a label for each picture: tell cfg by null= what stands for none")
        null = NULL
    null = torch.as_tensor(null, device=getattr(null, "device", "cpu"))
    if not cond.is_floating_point() and not holds(null.to(cond.dtype) == null):
        raise ValueError(f"a null of {null.flatten()[0].item()} cannot be written in {cond.dtype}, the type of cond")
    try:
        return null.to(cond.dtype).to(cond.device).expand_as(cond)
    except RuntimeError as error:
        raise ValueError(f"null {tuple(null.shape)} does not spread over cond {tuple(cond.shape)}") from error


def cfg(model, scale, null=None):
    """Classifier-free guidance: eps_null + scale (eps_cond - eps_null). Scale 1 is plain conditional, 0 unconditional.

    `null` is the condition that stands for none and spreads over cond (B, ...): NULL for labels (B,), else what the
    model takes for it, such as the embedding (77, D) of an empty prompt; that of a negative prompt leads away from it.
    Both halves go in one call of 2B pictures. Without a condition, and at scales 0 and 1, the model is asked once and
    its answer is the plain one, bit by bit. Raises ValueError where cond needs a null and has none, or one of another
    shape. Ho, Salimans 2207.12598, eq. 6, where w = scale - 1; lesson 04.
    """

    def eps(x, t, cond=None):
        if cond is None or scale == 1:
            return model(x, t, cond)
        nothing = _nothing(cond, null)  # (B, ...)
        if cond.shape[:1] != x.shape[:1]:
            raise ValueError(f"cond must be one for each of {len(x)} pictures, but is {tuple(cond.shape)}")
        if scale == 0:
            return model(x, t, nothing)
        t = moved(as_times(t), x.device).expand(len(x))  # (B,)
        eps_null, eps_cond = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([nothing, cond])).chunk(2)
        return eps_null + scale * (eps_cond - eps_null)

    return eps


def clip_x0(model, schedule, limit=1.0):
    """Clip the guess of x_0 that eps implies to [-limit, limit], and return the eps that belongs to the clipped guess.

    It needs t >= 1. Raises ValueError unless limit > 0. The code released with Ho et al. 2006.11239 clips so, their
    algorithm 2 does not; lesson 05.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, not {limit}")

    def eps(x, t, cond=None):
        x0 = convert(schedule, x, t, model(x, t, cond), "eps", "x0").clamp(-limit, limit)
        return convert(schedule, x, t, x0, "x0", "eps")

    return eps


def retimed(model, schedule, own):
    """A model that knows the times of the schedule `own`, as a model for walks on `schedule`: it is asked at the time
    of `own` with the same noise level, or at the nearest that training shows, from 1 to T. Lesson 05.
    """
    top = own.sigma(own.T).item()  # once, when it is made

    def eps(x, t, cond=None):
        there = own.t_at_sigma(schedule.sigma(t).clamp(max=top)).clamp(min=1)
        return model(x, there.to(torch.promote_types(x.dtype, torch.float32)).to(x.device), cond)

    return eps


def ask_diffusers(net, x, t, cond=None):
    """What a U-Net of diffusers prints for x (B, C, H, W) at our times t (B,), of the shape and type of x.

    Its time is ours less one, and it computes in the type of its weights. cond is what it takes third: embeddings
    (B, L, D) for a UNet2DConditionModel, labels (B,) or None for a UNet2DModel.
    """
    dtype = next(net.parameters()).dtype
    if cond is not None and cond.is_floating_point():
        cond = cond.to(dtype)
    return net(x.to(dtype), (moved(as_times(t), x.device) - 1).clamp(min=0), cond).sample.to(x.dtype)


class FromDiffusers(nn.Module):
    """A U-Net of diffusers, in `.net`, called as the networks of this course are."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, t, cond=None):
        return ask_diffusers(self.net, x, t, cond)


def from_diffusers(net, schedule, kind="eps"):
    """A U-Net of diffusers as a model that prints eps at the levels of `schedule`; it samples and trains as ours do.

    `kind` is what the net prints, "v" for "v_prediction" and "x0" for "sample". Its schedule must have the levels
    that it was trained on (`scaled_linear` for Stable Diffusion 1.x). `.net.net` is the network. The labels of a
    UNet2DModel have no NULL: train with drop=0, and tell `cfg` its null. Raises ValueError for an unknown kind. Lesson
    06.
    """
    return as_eps(FromDiffusers(net), schedule, kind)


def in_parts(model, size=256):
    """The same model, asked for at most `size` pictures at a time, so that memory does not grow with their number.

    Raises ValueError unless size >= 1.
    """
    if size < 1:
        raise ValueError(f"a part needs at least one picture, not {size}")

    def eps(x, t, cond=None):
        times = moved(as_times(t), x.device).expand(len(x)).split(size)
        conds = [None] * len(times) if cond is None else cond.split(size)
        return torch.cat([model(*part) for part in zip(x.split(size), times, conds, strict=True)])

    return eps


class CountCalls:
    """A model that counts in `.calls` how often it was asked: the honest price of a sampler. One call may be for any
    number of pictures: guided by `cfg`, each has two in it."""

    def __init__(self, model):
        self.model, self.calls = model, 0

    def __call__(self, x, t, cond=None):
        self.calls += 1
        return self.model(x, t, cond)
