"""What a learner's function gave back, read as tensors, or what is odd about it: another device, a layout, an array."""

import numbers
from dataclasses import dataclass, field

import numpy as np
import torch


@dataclass(frozen=True)
class Odd:
    """Why an answer cannot be compared: the key of what is said of it under `exercise`, and the values to fill in."""

    key: str
    values: dict = field(default_factory=dict)


def read(value):
    """What holds only tensors and numbers as (tensors, places of plain numbers, None), all else as (None, (), Odd).

    Tensors are detached, numbers become tensors on the CPU. Nothing, None or ..., is (None, (), None).
    """
    if value is None or value is ...:
        return None, (), None
    parts = value if isinstance(value, tuple | list) else (value,)
    odd = [_odd(part) for part in parts]
    if not any(odd):
        bare = tuple(k for k, part in enumerate(parts) if not isinstance(part, torch.Tensor))
        return tuple(_tensor(part) for part in parts), bare, None
    place = next(k for k, one in enumerate(odd) if one)
    if parts is value and odd[place].key in ("no-tensor", "no-tensor-an", "array"):
        return None, (), Odd("part", {"place": place + 1, "count": len(parts), "type": _name(parts[place])})
    return None, (), odd[place]


def _odd(part):
    """The Odd of what is no plain tensor on the CPU and no number, else None."""
    if isinstance(part, torch.Tensor):
        return _odd_tensor(part)
    if isinstance(part, np.ndarray):
        return Odd("array")
    if isinstance(part, numbers.Real | np.bool_):
        return None
    name = _name(part)
    return Odd("no-tensor-an" if name[0] in "aeiouAEIO" else "no-tensor", {"type": name})


def _odd_tensor(part):
    if part.is_nested:
        return Odd("layout", {"kind": "nested"})
    if part.layout != torch.strided:
        return Odd("layout", {"kind": str(part.layout).removeprefix("torch.").removeprefix("_")})
    if part.is_quantized:
        return Odd("layout", {"kind": "quantized"})
    if part.device.type != "cpu":
        return Odd("device", {"device": part.device})
    part = part.detach()
    if part.numel():
        part[(0,) * part.ndim].item()  # raises where there are no numbers behind it
    return None


def _name(part):
    return "numpy.ndarray" if isinstance(part, np.ndarray) else type(part).__name__


def _tensor(part):
    """A tensor, or a number as one; what no whole number of 64 bits holds, as floating point."""
    if isinstance(part, torch.Tensor):
        return part.detach().as_subclass(torch.Tensor)
    if isinstance(part, bool | np.bool_):
        return torch.tensor(bool(part), device="cpu")
    if isinstance(part, numbers.Integral) and -(2**63) <= part < 2**63:
        return torch.tensor(int(part), device="cpu")
    try:
        return torch.tensor(float(part), device="cpu", dtype=torch.float64)
    except OverflowError:
        return torch.tensor(torch.inf if part > 0 else -torch.inf, device="cpu", dtype=torch.float64)
