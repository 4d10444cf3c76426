"""The U-Net of the course: patches in, two or three levels of residual blocks, attention at the bottom, patches out."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from course.nets.blocks import Attention, ResBlock, norm, zero
from course.nets.embeddings import Clock


class UNet(nn.Module):
    """x (B, channels, H, W), t (B,), cond (B,) long or None -> (B, channels, H, W); what it prints, training decides.

    `patch` folds patch x patch pixels into channels first (pixel-unshuffle), so that no layer works at full
    resolution; `mults` gives the channels of each level as multiples of `width`. Labels need `num_classes`; label
    NULL, or none, is "no condition". It computes in the dtype of its weights and answers in that of x. Before training
    it prints zero. Raises ValueError where H or W cannot be cut
    into patches. Ronneberger et al. 1505.04597; lesson 04.
    """

    def __init__(self, channels, width, mults=(1, 2), patch=1, num_classes=0, blocks=1):
        super().__init__()
        self.config = {
            "channels": channels,
            "width": width,
            "mults": list(mults),
            "patch": patch,
            "num_classes": num_classes,
            "blocks": blocks,
        }
        self.patch, self.clock = patch, Clock(width, num_classes)
        widths, told = [width * mult for mult in mults], 4 * width
        self.enter = nn.Conv2d(channels * patch**2, widths[0], 3, padding=1)  # `conv_in` in diffusers
        # `downsample` and `upsample` in diffusers are smaller and larger here
        self.down, self.smaller, self.up, self.larger = (nn.ModuleList() for _ in range(4))
        for c, c_below in zip(widths, [*widths[1:], None], strict=True):
            self.down.append(nn.ModuleList(ResBlock(c, c, told) for _ in range(blocks)))
            self.up.append(nn.ModuleList(ResBlock(2 * c, c, told) for _ in range(blocks)))
            if c_below:
                self.smaller.append(nn.Conv2d(c, c_below, 3, stride=2, padding=1))
                self.larger.append(nn.Conv2d(c_below, c, 3, padding=1))
        self.middle = nn.ModuleList([ResBlock(c, c, told), Attention(c), ResBlock(c, c, told)])
        self.norm, self.out = norm(width), zero(nn.Conv2d(widths[0], channels * patch**2, 3, padding=1))
        self.to(memory_format=torch.channels_last)  # the layout that processors and GPUs convolve fastest

    def forward(self, x, t, cond=None):
        if any(size % self.patch for size in x.shape[-2:]):
            raise ValueError(f"pictures of {tuple(x.shape[-2:])} cannot be cut into patches of {self.patch}")
        told = F.silu(self.clock(t, cond))  # (B, 4 width)
        h = F.pixel_unshuffle(x.to(self.enter.weight.dtype), self.patch)
        h = self.enter(h.contiguous(memory_format=torch.channels_last))
        skips = []
        for level, blocks in enumerate(self.down):
            for block in blocks:
                h = block(h, told)
                skips.append(h)
            if level < len(self.smaller):
                h = self.smaller[level](h)
        first, attention, second = self.middle
        h = second(attention(first(h, told)), told)
        for level, blocks in reversed(list(enumerate(self.up))):
            for block in blocks:
                h = block(torch.cat([h, skips.pop()], 1), told)
            if level:
                h = self.larger[level - 1](F.interpolate(h, size=skips[-1].shape[-2:]))
        return F.pixel_shuffle(self.out(F.silu(self.norm(h))), self.patch).to(x.dtype)
