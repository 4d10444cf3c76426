"""What U-Nets are built of: residual blocks that are told the time, and attention."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def norm(channels):
    """One group over all channels: in bfloat16 on a CPU a block with it runs twice as fast as with eight groups."""
    return nn.GroupNorm(1, channels)


def zero(layer):
    """The same layer with all its weights at zero: a block that begins by changing nothing."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer


class ResBlock(nn.Module):
    """Two convolutions beside a shortcut; time and label scale and shift what is between them (FiLM, 1709.07871).

    x (B, C, H, W), told (B, E) -> (B, c_out, H, W).
    """

    def __init__(self, c_in, c_out, told):
        super().__init__()
        self.norm1, self.conv1 = norm(c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.film = nn.Linear(told, 2 * c_out)  # `time_emb_proj` in diffusers; what is told is `temb` there
        self.norm2, self.conv2 = norm(c_out), zero(nn.Conv2d(c_out, c_out, 3, padding=1))
        # `conv_shortcut` in diffusers
        self.short = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x, told):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.film(told)[:, :, None, None].chunk(2, dim=1)  # (B, c_out, 1, 1) each
        return self.short(x) + self.conv2(F.silu(torch.addcmul(shift, self.norm2(h), 1 + scale)))


def attend(q, k, v):
    """softmax(q k' / sqrt(D)) v for q, k, v (B, heads, N, D): fused on a GPU, plain on a CPU, where that is faster in
    networks as small as ours, which attend to some tens of places."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v)
    return (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v


class Attention(nn.Module):
    """Every place looks at every other: x (B, C, H, W) -> (B, C, H, W), heads of about 32. 1706.03762, sec. 3.2."""

    def __init__(self, channels):
        super().__init__()
        self.heads = next(heads for heads in range(max(1, channels // 32), 0, -1) if channels % heads == 0)
        self.norm, self.qkv = norm(channels), nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero(nn.Conv2d(channels, channels, 1))

    def forward(self, x):
        B, C, H, W = x.shape
        parts = self.qkv(self.norm(x)).flatten(2).reshape(B, 3, self.heads, C // self.heads, H * W)
        mixed = attend(*parts.transpose(-1, -2).unbind(1))  # (B, heads, H W, C / heads)
        return x + self.out(mixed.transpose(-1, -2).reshape(B, C, H, W))
