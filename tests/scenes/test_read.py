"""Scenes read back from their pictures, also with noise, and from what is no scene."""

import pytest
import torch
from helpers import seeded

from course.scenes import BACKGROUNDS, COLOURS, SHAPES, Scene, compare, describe, draw, random_scenes
from course.scenes.shapes import paint


@pytest.fixture(scope="module")
def read_back():
    """700 scenes as training has them, freshly drawn, and what is read from their pictures."""
    generator = seeded(2027)
    asked = random_scenes(700, generator=generator)
    return asked, describe(draw(asked, generator))


def shares(asked, seen):
    """The share of scenes in which each attribute is right where it is asked for, and all together."""
    found = [compare(a, b) for a, b in zip(asked, seen, strict=True)]
    names = ("size", "colour", "shape", "background", "relation")
    each = {name: [one[name] for one in found if name in one] for name in names}
    return {name: sum(right) / len(right) for name, right in each.items()} | {
        "all": sum(all(one.values()) for one in found) / len(found)
    }


def test_what_is_drawn_is_read_back(read_back):
    asked, seen = read_back
    right = shares(asked, seen)
    print("read back:", right)
    assert right.pop("all") >= 0.97
    assert min(right.values()) >= 0.99


def test_unseen_scenes_are_read_back_as_well():
    asked = random_scenes(250, unseen=True, generator=seeded(7))
    right = shares(asked, describe(draw(asked, seeded(8))))
    print("unseen, read back:", right)
    assert right["all"] >= 0.96


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_read_back(shape, read_back):
    of_it = [(a, b) for a, b in zip(*read_back, strict=True) if any(thing.shape == shape for thing in a.things)]
    assert len(of_it) > 80
    assert sum(a == b for a, b in of_it) / len(of_it) >= 0.95


def test_reading_survives_noise():
    asked = random_scenes(200, generator=seeded(9))
    x = draw(asked, seeded(10))
    noisy = x + 0.05 * torch.randn(x.shape, generator=seeded(11))
    right = shares(asked, describe(noisy))
    print("with noise of 0.05:", right)
    assert right["all"] >= 0.93


@pytest.mark.parametrize("ground", BACKGROUNDS)
def test_a_blank_picture_shows_nothing(ground):
    x = paint([ground])[:, :, None, None].expand(1, 3, 64, 64)
    assert describe(x) == [Scene((), ground)]


def test_noise_and_odd_pictures_are_read_without_an_error():
    x = torch.cat(
        [
            torch.randn(4, 3, 64, 64, generator=seeded()),
            torch.rand(4, 3, 64, 64, generator=seeded()) * 2 - 1,
            paint(COLOURS)[:, :, None, None].expand(8, 3, 64, 64),
            torch.full((1, 3, 64, 64), 5.0),
        ]
    )
    seen = describe(x)
    assert len(seen) == len(x)
    for scene in seen:
        assert len(scene.things) <= 2
        assert (scene.relation is not None) == (len(scene.things) == 2)
        assert scene.background in BACKGROUNDS
    assert describe(x[:0]) == []


def test_reading_does_not_depend_on_the_neighbours_or_the_number_type():
    asked = random_scenes(12, generator=seeded(1))
    x = draw(asked, seeded(1))
    assert describe(x) == [scene for picture in x for scene in describe(picture[None])]
    assert describe(x.half()) == describe(x.double()) == describe(x)
