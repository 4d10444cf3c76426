"""Pictures of scenes: drawn exactly, and by nothing but the seed."""

from itertools import product

import pytest
import torch
from helpers import seeded

from course import scenes
from course.scenes import RELATIONS, SHAPES, SIZES, Scene, Thing, draw, every_scene, random_scenes, wording
from course.scenes.shapes import paint

FIRST, SECOND = Thing("small", "red", "circle"), Thing("large", "blue", "ring")


def shows(x, name):
    """Where pictures (..., 3, H, W) show a colour of the palette, whole: (..., H, W) bool."""
    return ((x - paint([name])[0, :, None, None]).abs() < 1e-5).all(-3)


def test_pictures_are_of_the_promised_kind():
    some = random_scenes(50, generator=seeded())
    x = draw(some, seeded())
    assert (x.shape, x.dtype) == ((50, 3, 64, 64), torch.float32)
    assert (x.abs() <= 1).all()
    assert len({picture.numpy().tobytes() for picture in x}) == 50


def test_the_seed_decides_and_nothing_else():
    some = random_scenes(20, generator=seeded(1))
    assert random_scenes(20, generator=seeded(1)) == some
    assert random_scenes(20, generator=seeded(2)) != some
    x = draw(some, seeded(1))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    assert draw(some, seeded(1)).equal(x)
    assert random_scenes(20, generator=seeded(1)) == some
    assert [wording(scene, seeded(k)) for k, scene in enumerate(some)] == [
        wording(scene, seeded(k)) for k, scene in enumerate(some)
    ]
    assert torch.get_rng_state().equal(state)
    assert not draw(some, seeded(2)).equal(x)
    assert not draw(some[:1]).equal(draw(some[:1]))  # without a generator, by chance


@pytest.mark.parametrize("scene", every_scene()[::7], ids=str)
def test_a_picture_shows_the_colours_it_is_asked_for(scene):
    x = draw([scene], seeded())[0]
    ground = paint([scene.background])[0]
    assert (x[:, [0, -1]] == ground[:, None, None]).all()
    assert (x[:, :, [0, -1]] == ground[:, None, None]).all()
    assert shows(x, scene.things[0].colour).sum() > 30


def test_a_large_thing_is_larger_than_a_small_one():
    seen = {}
    for size, shape in product(SIZES, SHAPES):
        x = draw([Scene((Thing(size, "red", shape),), "white")] * 20, seeded())
        seen[size, shape] = (~shows(x, "white")).sum((1, 2))
    for shape in SHAPES:
        assert seen["small", shape].max() < seen["large", shape].min()


def test_two_things_stand_as_they_are_said_to():
    axis = (torch.arange(64) + 0.5) / 32 - 1
    for relation in RELATIONS:
        scene = Scene((FIRST, SECOND), "white", relation)
        x = draw([scene] * 50, seeded())
        place = {}
        for thing in scene.things:
            mask = shows(x, thing.colour)  # (50, 64, 64)
            total = mask.sum((1, 2))
            place[thing] = (
                torch.stack([(mask * axis).sum((1, 2)), (mask * axis[:, None]).sum((1, 2))], 1) / total[:, None]
            )
        apart = place[SECOND] - place[FIRST]  # (50, 2)
        if relation == "inside":
            assert apart.abs().max() < 0.1
        else:
            along, across = (apart if relation == "left of" else apart.flip(1)).T
            assert along.min() > 0.7
            assert across.abs().max() < 0.4


def test_what_is_inside_lies_on_top():
    scene = Scene((FIRST, Thing("large", "blue", "square")), "white", "inside")
    x = draw([scene] * 5, seeded())
    assert shows(x, "red")[:, 32, 32].all()


def test_things_keep_away_from_the_edge_of_a_picture():
    some = random_scenes(3000, generator=seeded(3))
    x = draw(some, seeded(4))
    ground = paint([scene.background for scene in some])[:, :, None]
    edges = torch.cat([x[:, :, 0], x[:, :, -1], x[:, :, :, 0], x[:, :, :, -1]], 2)
    other = ((edges - ground).abs().amax(1) > 0.05).sum(1)  # (3000,) pixels
    assert (other > 0).float().mean() < 0.02  # now and then the tip of a large star
    assert other.max() <= 4


def test_scenes_import_no_diffusers():
    """Drawing and reading are used where no Stable Diffusion is."""
    assert not {"diffusers", "transformers"} & vars(scenes).keys()
