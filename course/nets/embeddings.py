"""How a network is told the time and the label."""

import math

import torch
import torch.nn as nn

from course import NULL
from course.checks import holds


def timestep_embedding(t, dim, max_period=10_000.0):
    """The time as sines and cosines: t (B,), whole or fractional -> (B, dim) float32, [sin(t f_k) | cos(t f_k)].

    f_k = max_period^(-k / (dim / 2)) falls from 1 to nearly 1 / max_period, so t counts in steps, never in t / T.
    Raises ValueError where dim is odd or t is not (B,). Vaswani et al. 1706.03762, sec. 3.5; lesson 04.
    """
    if dim % 2 or t.ndim != 1:
        raise ValueError(f"an embedding needs t (B,) and an even dim, not t {tuple(t.shape)} and dim {dim}")
    k = torch.arange(dim // 2, dtype=torch.float32, device=t.device)
    angle = t.float()[:, None] * torch.exp(-math.log(max_period) * k / (dim // 2))  # (B, dim / 2)
    return torch.cat([angle.sin(), angle.cos()], 1)


class Clock(nn.Module):  # in diffusers `time_embedding` and `class_embedding`, and what it tells is `temb`
    """What each block of a network is told: the time, and the label if it knows `num_classes`, as one vector.

    t (B,) and cond (B,) long, None or NULL -> (B, 4 width), in the dtype of the weights. Raises ValueError for labels
    that it was not built for.
    """

    def __init__(self, width, num_classes=0):
        super().__init__()
        if width < 2 or width % 2 or num_classes < 0:
            raise ValueError(f"width must be even and labels not negative, so they cannot be {width} and {num_classes}")
        self.width, self.num_classes = width, num_classes
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, 4 * width))
        self.labels = nn.Embedding(num_classes + 1, 4 * width) if num_classes else None  # row 0 is NULL

    def forward(self, t, cond=None):
        told = self.mlp(timestep_embedding(t, self.width).to(self.mlp[0].weight.dtype))  # (B, 4 width)
        if self.labels is None:
            if cond is not None:
                raise ValueError("this network knows no labels; leave cond away")
            return told
        cond = torch.full_like(t, NULL, dtype=torch.long) if cond is None else cond
        if cond.is_floating_point() or not holds((cond >= NULL) & (cond < self.num_classes)):
            raise ValueError(f"labels must be whole numbers from {NULL} (none) to {self.num_classes - 1}")
        return told + self.labels(cond + 1)
