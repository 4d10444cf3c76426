"""Pictures as pixels: a grid of them as an array, as an image, as an animation. No axes, no titles."""

import io

import numpy as np
from PIL import Image


def to_array(values):
    """A tensor on any device, of any dtype, a list of such, or anything like an array, as a numpy array of float64."""
    if isinstance(values, list | tuple):
        return np.asarray([to_array(value) for value in values], dtype=float)
    # the CPU first: MPS has no float64; and then float64, as numpy has no bfloat16
    return np.asarray(values.detach().cpu().double() if hasattr(values, "detach") else values, dtype=float)


def grid_array(rows, gap=1):
    """Rows of pictures (N, 1 or 3, H, W) in [-1, 1] as one white-spaced array (height, width, 3) in [0, 1].

    Raises TypeError for bytes, ValueError for other shapes or pictures of different sizes.
    """
    rows = list(rows)
    if any("int" in str(getattr(row, "dtype", "")) for row in rows):
        raise TypeError("pictures must be floating point in [-1, 1]; divide bytes by 127.5, less 1")
    rows = [to_array(row) for row in rows]
    if not rows or any(
        row.ndim != 4 or row.shape[1] not in (1, 3) or row.shape[1:] != rows[0].shape[1:] for row in rows
    ):
        raise ValueError(f"rows must be (N, 1 or 3, H, W) of one size, but are {[row.shape for row in rows]}")
    (_, _, h, w), columns = rows[0].shape, max(len(row) for row in rows)
    canvas = np.ones((len(rows) * (h + gap) - gap, columns * (w + gap) - gap, 3))
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            top, left = i * (h + gap), j * (w + gap)
            canvas[top : top + h, left : left + w] = picture.clip(-1, 1).transpose(1, 2, 0) / 2 + 0.5
    return canvas


def grid_image(x, columns=8, scale=4):
    """Pictures x (N, C, H, W) in [-1, 1] as one PIL image, row by row, each pixel `scale` screen pixels wide."""
    canvas = (grid_array([x[k : k + columns] for k in range(0, len(x), columns)]) * 255).round().astype(np.uint8)
    height, width, _ = canvas.shape
    return Image.fromarray(canvas).resize((width * scale, height * scale), Image.Resampling.NEAREST)


def animate(states, columns=8, scale=4, ms=60, rest=1500):
    """States (N, C, H, W), in order, as the bytes of a GIF; a frame lasts `ms`, the last one `rest` milliseconds."""
    frames = [grid_image(x, columns, scale) for x in states]
    if not frames:
        raise ValueError("an animation needs at least one state")
    buffer, times = io.BytesIO(), [ms] * (len(frames) - 1) + [rest]
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return buffer.getvalue()
