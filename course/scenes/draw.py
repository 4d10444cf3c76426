"""Scenes as pictures: every word has its place, size and colour, and a little chance."""

import torch

from course.scenes.shapes import coverage, paint
from course.scenes.words import SHAPES

SIZE = 64  # pixels a side


def draw(scenes, generator=None):
    """Pictures of scenes, x (N, 3, 64, 64) float32 in [-1, 1]; places and sizes vary a little, by the generator.

    In half sides of the picture: a small thing has a radius of about a third (0.29 to 0.36), a large one 0.42 to 0.46
    beside another one, 0.54 to 0.62 alone, and 0.78 to 0.82 around another one. Two side by side stand at -0.49, 0.49.
    """
    x = paint([scene.background for scene in scenes]).reshape(-1, 3)[:, :, None, None].repeat(1, 1, SIZE, SIZE)
    chance = torch.rand(len(scenes), 2, 3, generator=generator)  # two things: x, y, radius
    for k in (1, 0):  # the second first: what is inside lies on top
        rows = torch.tensor([n for n, scene in enumerate(scenes) if k < len(scene.things)], dtype=torch.long)
        things = [scenes[n].things[k] for n in rows]
        if not things:
            continue
        places = torch.tensor([_place(scenes[n], k) for n in rows])  # (M, 6): mean and spread of x, y, radius
        values = places[:, ::2] + places[:, 1::2] * (2 * chance[rows, k] - 1)
        kinds = torch.tensor([list(SHAPES).index(thing.shape) for thing in things])
        alpha = coverage(kinds, values[:, :2], values[:, 2], SIZE)[:, None]
        x[rows] += alpha * (paint([thing.colour for thing in things])[:, :, None, None] - x[rows])
    return x


def _place(scene, k):
    """Mean and spread of x, y and radius of thing k."""
    radius = (0.335, 0.02) if scene.things[k].size == "small" else (0.44, 0.02)
    if scene.relation is None:
        return (0.0, 0.1, 0.0, 0.1, *(radius if scene.things[k].size == "small" else (0.58, 0.04)))
    if scene.relation == "inside":
        # A triangle and a star have their room a little below the middle of their height.
        low = {"triangle": 0.12, "star": 0.04}.get(scene.things[1].shape, 0.0) if k == 0 else 0.0
        return (0.0, 0.02, low, 0.02, *((0.3, 0.01), (0.8, 0.02))[k])
    side, other = (-0.49, 0.03) if k == 0 else (0.49, 0.03), (0.0, 0.07)
    return (*side, *other, *radius) if scene.relation == "left of" else (*other, *side, *radius)
