"""A denoiser for points."""

import torch.nn as nn
import torch.nn.functional as F

from course.nets.embeddings import Clock


class MLP(nn.Module):
    """A denoiser for points: x (B, D), t (B,), cond -> (B, D). It prints zero before it is trained.

    It computes in the dtype of its weights and answers in that of x.
    """

    def __init__(self, dim=2, width=64, num_classes=0):
        super().__init__()
        self.config = {"dim": dim, "width": width, "num_classes": num_classes}
        self.clock, self.enter = Clock(width, num_classes), nn.Linear(dim, 4 * width)
        self.hidden, self.out = nn.Linear(4 * width, 4 * width), nn.Linear(4 * width, dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x, t, cond=None):
        h = F.silu(self.enter(x.to(self.enter.weight.dtype)) + self.clock(t, cond))  # (B, 4 width)
        return self.out(F.silu(self.hidden(h)) + h).to(x.dtype)
