"""What is a copy: the nearest of the data, and how near is too near."""

import torch

from course.checks import floating

COPY = 0.05  # rms per pixel: what lies nearer to a training picture is called a copy, in every lesson


def nearest(x, data):
    """Distance, rms per pixel, from each x (B, ...) to the nearest of data (N, ...), and its index: (B,), (B,).

    Where x lies, in its dtype, or in float32 where that has fewer digits.
    """
    floating(x)
    if x.shape[1:] != data.shape[1:]:
        raise ValueError(f"x and data must hold pictures of one shape, not {tuple(x.shape)} and {tuple(data.shape)}")
    # the default way of cdist multiplies matrices and leaves 1e-3 where 0 belongs: too coarse to tell copies
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    far = torch.cdist(x.flatten(1), data.to(x).flatten(1), compute_mode="donot_use_mm_for_euclid_dist")  # (B, N)
    distance, index = far.min(1)
    return distance / x[0].numel() ** 0.5, index
