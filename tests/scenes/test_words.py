"""Scenes in words: captions there and back, what training never shows, what is judged, and other ways to say it."""

import math
import re
from collections import Counter

import pytest
from helpers import refused, seeded

from course.pipelines import tiny_sd as latent
from course.scenes import (
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
    RELATIONS,
    SHAPES,
    SIZES,
    Scene,
    Thing,
    compare,
    every_scene,
    held_out,
    parse,
    random_scenes,
    wording,
)

FIRST, SECOND = Thing("small", "red", "circle"), Thing("large", "blue", "ring")


# Words


def test_captions_of_one_thing_come_back():
    every = every_scene()
    assert len(every) == len(set(every)) == len(SIZES) * len(COLOURS) * len(SHAPES) * len(BACKGROUNDS)
    assert [parse(str(scene)) for scene in every] == every
    assert str(every[0]) == "a small red circle on a white background"


def test_captions_of_two_things_come_back():
    some = random_scenes(1000, things=2, generator=seeded())
    assert {scene.relation for scene in some} == set(RELATIONS)
    assert [parse(str(scene)) for scene in some] == some
    scene = Scene((FIRST, SECOND), "black", "left of")
    assert str(scene) == "a small red circle left of a large blue ring on a black background"


def test_all_scenes_of_two_things_are_counted():
    every = every_scene(2)
    kinds, grounds = 2 * 8 * 8, 3
    assert len(every) == len(set(every)) == grounds * (2 * kinds**2 + 8 * 8 * 7 * 8)
    assert set(random_scenes(300, things=2, generator=seeded())) <= set(every)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "a circle",
        "a small red circle",
        "a small red circle on a white",
        "a small red circle on a pink background",
        "a small red circle on a white background please",
        "a tiny red circle on a white background",
        "a small mauve circle on a white background",
        "a small red blob on a white background",
        "an small red circle on a white background",
        "a small red circle below a large blue ring on a white background",
        "a small red circle left of on a white background",
        "a small red circle above a large blue ring left of a small red circle on a white background",
        "a small red circle\non a white background",
        "빨간 원",
    ],
)
def test_other_words_are_refused(words):
    with refused(ValueError, "not a caption of a scene.*one is 'a small red circle on a white background'"):
        parse(words)


# What training never shows


def test_what_is_held_out_has_each_shape_and_each_colour_once():
    assert len(HELD_OUT) == 8
    assert {shape for shape, _ in HELD_OUT} == set(SHAPES)
    assert {colour for _, colour in HELD_OUT} == set(COLOURS)


def test_training_never_shows_what_is_held_out():
    some = random_scenes(5000, generator=seeded())
    assert not any((thing.shape, thing.colour) in HELD_OUT for scene in some for thing in scene.things)
    assert not any(map(held_out, some))


def test_an_unseen_scene_shows_exactly_one_such_thing():
    some = random_scenes(2000, unseen=True, generator=seeded())
    count = [sum((thing.shape, thing.colour) in HELD_OUT for thing in scene.things) for scene in some]
    assert set(count) == {1}
    assert all(map(held_out, some))
    pairs = [scene.things for scene in some if scene.relation]
    first = sum((a.shape, a.colour) in HELD_OUT for a, _ in pairs) / len(pairs)
    assert 0.4 < first < 0.6
    shown = {(t.shape, t.colour) for scene in some for t in scene.things}
    assert shown >= HELD_OUT


def test_everything_else_comes_equally_often():
    n = 6000
    some = random_scenes(n, generator=seeded())
    pairs = [scene for scene in some if scene.relation]
    assert len(pairs) / n == pytest.approx(0.5, abs=0.03)
    counts = [Counter(scene.relation for scene in pairs), Counter(scene.background for scene in some)]
    alone = [scene.things[0] for scene in some if not scene.relation]
    counts += [Counter(getattr(thing, name) for thing in alone) for name in ("size", "colour", "shape")]
    for count, kinds in zip(counts, (3, 3, 2, 8, 8), strict=True):
        assert len(count) == kinds
        expected = sum(count.values()) / kinds
        assert max(abs(found - expected) for found in count.values()) < 4.5 * math.sqrt(expected)


@pytest.mark.parametrize("things", [1, 2])
def test_the_number_of_things_can_be_asked_for(things):
    for unseen in (False, True):
        some = random_scenes(100, unseen, things, seeded())
        assert {len(scene.things) for scene in some} == {things}
        assert all((scene.relation is None) == (things == 1) for scene in some)


def test_only_the_small_is_inside_the_large_and_in_another_colour():
    nested = [
        scene
        for unseen in (False, True)
        for scene in random_scenes(1500, unseen, 2, seeded())
        if scene.relation == "inside"
    ]
    assert len(nested) > 800
    for scene in nested:
        inner, outer = scene.things
        assert (inner.size, outer.size) == ("small", "large")
        assert inner.colour != outer.colour


# Judging


def test_the_same_scene_is_right_in_everything():
    for scene in random_scenes(200, generator=seeded()):
        found = compare(scene, scene)
        assert all(found.values())
        names = {"size", "colour", "shape", "background"}
        assert found.keys() == (names | {"relation"} if scene.relation else names)


def test_each_attribute_is_judged_by_itself():
    scene = Scene((FIRST, SECOND), "white", "above")
    for name, other in {"size": "large", "colour": "pink", "shape": "star"}.items():
        for k in (0, 1):
            things = list(scene.things)
            changed = {**vars(things[k]), name: "small" if (name, k) == ("size", 1) else other}
            things[k] = Thing(**changed)
            found = compare(scene, Scene(tuple(things), "white", "above"))
            assert [key for key, right in found.items() if not right] == [name]
    wrong = {key for key, right in compare(scene, Scene(scene.things, "black", "left of")).items() if not right}
    assert wrong == {"background", "relation"}


def test_order_matters():
    scene = Scene((FIRST, SECOND), "white", "above")
    found = compare(scene, Scene((SECOND, FIRST), "white", "above"))
    assert found == {"size": False, "colour": False, "shape": False, "background": True, "relation": True}


@pytest.mark.parametrize("things", [(), (FIRST,), (SECOND,)])
def test_a_wrong_number_of_things_leaves_only_the_ground(things):
    found = compare(Scene((FIRST, SECOND), "white", "above"), Scene(things, "white"))
    assert found == {"size": False, "colour": False, "shape": False, "background": True, "relation": False}
    if things != (FIRST,):
        found = compare(Scene((FIRST,), "white"), Scene((FIRST, SECOND), "black", "above"))
        assert not any(found.values())
        assert found.keys() == {"size", "colour", "shape", "background"}


# Saying it in other words


THING = r"a(?: (?P<size>small|large))?(?: (?P<colour>{}))? (?P<shape>thing|{})".format(
    "|".join(COLOURS), "|".join(SHAPES)
)


SAID = re.compile(r"(?P<things>.*?)(?: on a (?P<ground>\w+) background)?")


INVERSE = {"right of": "left of", "below": "above"}


def understood(words):
    """Things as dicts of what is said of each, the relation, and the ground, None where it is not said."""
    parts = SAID.fullmatch(words)
    things, relation = parts["things"], None
    for said in (*RELATIONS, *INVERSE):
        if f" {said} " in things:
            first, second = things.split(f" {said} ")
            turned = said in INVERSE
            things, relation = [second, first] if turned else [first, second], INVERSE.get(said, said)
            break
    else:
        things = [things]
    return [re.fullmatch(THING, thing).groupdict() for thing in things], relation, parts["ground"]


def test_other_words_never_contradict_the_scene():
    generator = seeded()
    for scene in random_scenes(3000, generator=generator):
        things, relation, ground = understood(wording(scene, generator))
        assert relation == scene.relation
        assert ground in (None, scene.background)
        for said, thing in zip(things, scene.things, strict=True):
            assert said["size"] in (None, thing.size)
            assert said["colour"] in (None, thing.colour)
            assert said["shape"] in ("thing", thing.shape)


def test_other_words_are_words_that_the_tokenizer_knows():
    generator = seeded()
    some = random_scenes(3000, generator=generator) + random_scenes(500, unseen=True, generator=generator)
    used = {word for scene in some for word in wording(scene, generator).split()}
    assert used <= set(latent.WORDS)
    assert used >= {*SIZES, *COLOURS, *SHAPES, *BACKGROUNDS, "thing", "right", "below", "inside", "left", "above"}


@pytest.mark.parametrize("scene", [Scene((FIRST,), "gray"), Scene((FIRST, SECOND), "gray", "above")], ids=str)
def test_half_is_said_as_the_caption_and_the_rest_in_many_ways(scene):
    generator, n = seeded(), 4000
    said = Counter(wording(scene, generator) for _ in range(n))
    whole = 0.7 * 0.85 * 0.85  # nothing is left out of a thing
    plain = whole * 0.75 if not scene.relation else whole**2 * 0.75 * 0.7  # nor the ground, nor is it turned round
    assert said[str(scene)] / n == pytest.approx(0.5 + 0.5 * plain, abs=4 * math.sqrt(0.25 / n))
    assert len(said) >= (12 if not scene.relation else 150)
    silent = sum(count for words, count in said.items() if "background" not in words) / n
    assert silent == pytest.approx(0.5 * 0.25, abs=4 * math.sqrt(0.11 / n))
