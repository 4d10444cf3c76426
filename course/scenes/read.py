"""Reads a scene back from its picture: find the things, then draw each shape over each thing and take the nearest."""

from functools import cache

import torch

from course.scenes.shapes import DISTANCES, coverage, paint
from course.scenes.words import BACKGROUNDS, COLOURS, SHAPES, Scene, Thing

TRIES = torch.linspace(0.88, 1.12, 7)  # radii tried, in parts of the one that the outline suggests
LEAST = 24  # pixels: what is smaller is no thing


def describe(x):
    """What pictures x (N, 3, S, S) in [-1, 1] show, as N Scenes; a scene of which nothing was seen has no things."""
    return [_read(picture.float().cpu()) for picture in x]


def _read(x):
    border = torch.cat([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], 1)  # (3, 4S)
    ground = _nearest(border.median(1).values[None], BACKGROUNDS)[0]
    things = [_thing(mask, hole, colour, x.shape[-1]) for mask, hole, colour in _parts(x, list(BACKGROUNDS)[ground])]
    words = [Thing(("small", "large")[r > 0.39], colour, shape) for r, _, colour, shape in things]
    if len(things) < 2:
        return Scene(tuple(words), list(BACKGROUNDS)[ground])
    (r, a, *_), (q, b, *_) = things
    (dx, dy), order = (b - a).tolist(), [0, 1]
    if max(abs(dx), abs(dy)) < 0.25:
        relation, order = "inside", [0, 1] if r < q else [1, 0]
    else:
        relation = "left of" if abs(dx) > abs(dy) else "above"
        order = [0, 1] if (dx if abs(dx) > abs(dy) else dy) > 0 else [1, 0]
    return Scene(tuple(words[k] for k in order), list(BACKGROUNDS)[ground], relation)


def _nearest(pixels, table):
    """Pixels (N, 3) -> the index of the nearest colour of the table, (N,)."""
    return torch.cdist(pixels, paint(table)).argmin(1)


def _parts(x, ground):
    """The at most two things of a picture, largest first: (mask (S, S) bool, hole (S, S) bool, colour).

    A hole is where something else lies in front of the thing; there it cannot be seen.
    """
    from scipy.ndimage import binary_dilation, label

    pixels = x.flatten(1).T  # (S S, 3)
    table = {ground: BACKGROUNDS[ground]} | COLOURS
    kinds = _nearest(pixels, table).reshape(x.shape[1:])
    parts = []
    for k, colour in enumerate(table):
        if colour == ground:
            continue
        labels, count = label((kinds == k).numpy())
        for n in range(1, count + 1):
            mask = labels == n
            # A rim of mixed colours is thin: what has no pixel with all four neighbours alike is no thing.
            core = mask & ~binary_dilation(~mask)
            if core.sum() * 3 >= LEAST:
                parts.append((torch.from_numpy(mask), colour))
    parts = sorted(parts, key=lambda part: -int(part[0].sum()))[:2]
    whole = kinds != 0
    found = []
    for k, (mask, colour) in enumerate(parts):
        near = torch.zeros_like(mask)  # the first, the larger one, may have the second in front of it
        if k == 0 and len(parts) == 2:
            near = torch.from_numpy(binary_dilation(parts[1][0].numpy(), iterations=2))
        rim = torch.from_numpy(binary_dilation(mask.numpy())) & whole & ~near
        for j, (other, _) in enumerate(parts):
            rim &= ~other if j != k else True
        found.append((mask | rim, near, colour))
    return found


def _thing(mask, hole, colour, size):
    """The radius, centre (2,), colour and shape of one thing: of all shapes at a few radii, the one that overlaps it
    most, counted where it can be seen."""
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    low, high = torch.tensor([columns[0], rows[0]]), torch.tensor([columns[-1], rows[-1]]) + 1
    extent = (high - low) * 2 / size  # width and height, in half sides
    centre = (low + high) / size - 1
    boxes = _boxes()  # (K, 4)
    span = boxes[:, 2:] - boxes[:, :2]
    radii = (extent / span).mean(1)[:, None] * TRIES  # (K, R)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2  # (K, 2)
    centres = centre - radii[..., None] * middle[:, None]  # (K, R, 2)
    kinds = torch.arange(len(SHAPES))[:, None].expand(radii.shape)
    drawn = coverage(kinds.flatten(), centres.flatten(0, 1), radii.flatten(), size)
    seen, drawn = (mask & ~hole).float(), drawn * ~hole
    overlap = torch.minimum(seen, drawn).sum((1, 2)) / torch.maximum(seen, drawn).sum((1, 2)).clamp(min=1)
    best = int(overlap.argmax())
    return float(radii.flatten()[best]), centre, colour, SHAPES[best // len(TRIES)]


@cache
def _boxes():
    """The box around each shape of radius 1: (K, 4), left, top, right and bottom."""
    axis = torch.linspace(-1.2, 1.2, 481)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    boxes = []
    for distance in DISTANCES.values():
        inside = distance(x, y) <= 0
        columns, rows = axis[inside.any(0)], axis[inside.any(1)]
        boxes.append([columns[0], rows[0], columns[-1], rows[-1]])
    return torch.tensor(boxes)
