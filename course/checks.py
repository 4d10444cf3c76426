"""What is wrong with tensors that were given: each check raises in one line that says what is right."""

from contextlib import contextmanager
from contextvars import ContextVar

import torch

_trusted = ContextVar("trusted", default=False)


@contextmanager
def trusting():
    """In the block, `holds` does not look at what lies on a GPU.

    For the inside of training and sampling, where what a step is given has been looked at, or was made here: a look
    waits until the GPU has done all that it was told, and a wait at every step leaves it idle.
    """
    token = _trusted.set(True)
    try:
        yield
    finally:
        _trusted.reset(token)


def holds(condition):
    """Whether a condition, a tensor of bools, holds everywhere.

    It is taken on trust on a GPU inside `trusting`, and in what is being compiled, which a look would cut in two.
    """
    if torch.compiler.is_compiling() or (_trusted.get() and condition.device.type != "cpu"):
        return True
    return bool(condition.all())


def same_shape(a, b, names):
    """Raise ValueError where two tensors differ in shape: broadcasting would hide it."""
    if a.shape != b.shape:
        raise ValueError(f"{names} must have one shape, but are {tuple(a.shape)} and {tuple(b.shape)}")


def floating(x):
    """Raise TypeError where x is not floating point: bytes would wrap and truncate silently."""
    if not x.is_floating_point():
        raise TypeError(f"pictures must be floating point in [-1, 1], but are {x.dtype}; divide bytes by 127.5, less 1")


def clean_pictures(x):
    """Raise where x (N, 1 or 3, H, W) cannot be clean pictures: TypeError unless floating point, ValueError outside
    [-1, 1]. Points and latents, of other shapes, may lie anywhere."""
    floating(x)
    if x.ndim == 4 and x.shape[1] in (1, 3) and not (x.abs() <= 1 + 1e-4).all():
        low, high = x.min().item(), x.max().item()
        raise ValueError(f"pictures must lie in [-1, 1], but run from {low:g} to {high:g}; bring them there first")
