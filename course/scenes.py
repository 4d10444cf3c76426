"""Pictures with captions, as many as you like: coloured shapes, drawn from words, and words read back from pictures."""

from dataclasses import dataclass
from itertools import product

import torch

from course.shapes import BACKGROUNDS, COLOURS, SHAPES, coverage, paint

SIZES = ("small", "large")
RELATIONS = ("left of", "above", "inside")
SIZE = 64  # pixels a side
# Shapes in colours that no training picture shows: each shape and each colour once.
HELD_OUT = frozenset((shape, list(COLOURS)[(3 * k + 1) % 8]) for k, shape in enumerate(SHAPES))


@dataclass(frozen=True)
class Thing:
    """One thing in a scene, in words: a size of SIZES, a colour of COLOURS, a shape of SHAPES."""

    size: str
    colour: str
    shape: str

    def __str__(self):
        return f"a {self.size} {self.colour} {self.shape}"


@dataclass(frozen=True)
class Scene:
    """One or two things on a ground; of two, the first stands in a relation to the second. None: nothing was seen."""

    things: tuple[Thing, ...]
    background: str
    relation: str | None = None

    def __str__(self):
        return f" {self.relation} ".join(map(str, self.things)) + f" on a {self.background} background"


def parse(caption):
    """The Scene of a caption such as 'a large red circle on a white background'. Raises ValueError for other words."""
    things, ground, end = caption.rpartition(" on a ")[0], *caption.rpartition(" on a ")[2].partition(" ")[::2]
    relation = next((r for r in RELATIONS if f" {r} " in things), None)
    words = [part.split() for part in (things.split(f" {relation} ") if relation else [things])]
    known = ({"a"}, SIZES, COLOURS, SHAPES)
    good = ground in BACKGROUNDS and end == "background" and all(len(w) == 4 for w in words)
    good = good and all(word in table for w in words for word, table in zip(w, known, strict=True))
    things = tuple(Thing(*w[1:]) for w in words) if good else ()
    if not good or (relation == "inside" and not _fits(*things)):
        raise ValueError(f"not a caption of a scene: {caption!r}; one is 'a small red circle on a white background'")
    return Scene(things, ground, relation)


def every_scene(things=1):
    """All scenes with this many things, 1 or 2, in one fixed order; inside, the first is small, the second large and
    of another colour."""
    kinds = [Thing(*words) for words in product(SIZES, COLOURS, SHAPES)]
    if things == 1:
        return [Scene((kind,), ground) for kind in kinds for ground in BACKGROUNDS]
    places = product(kinds, kinds, RELATIONS, BACKGROUNDS)
    return [Scene((a, b), ground, where) for a, b, where, ground in places if where != "inside" or _fits(a, b)]


def _fits(inner, outer):
    return inner.size == "small" and outer.size == "large" and inner.colour != outer.colour


def held_out(scene):
    """Whether a scene shows a shape in a colour that training never shows."""
    return any((thing.shape, thing.colour) in HELD_OUT for thing in scene.things)


def random_scenes(n, unseen=False, things=None, generator=None):
    """n Scenes at random: as training has them or, unseen, with one thing of HELD_OUT; one or two `things`, None for
    either, equally often; each relation equally often."""
    colours, shapes, grounds = list(COLOURS), list(SHAPES), list(BACKGROUNDS)

    def draw(high):
        return int(torch.randint(high, (), generator=generator))

    def thing(rare, size=None, but=None):
        while True:
            kind = Thing(SIZES[draw(2)] if size is None else size, colours[draw(8)], shapes[draw(8)])
            if rare == ((kind.shape, kind.colour) in HELD_OUT) and kind.colour != but:
                return kind

    def scene():
        rare, ground = draw(2) if unseen else None, grounds[draw(3)]
        if (draw(2) + 1 if things is None else things) == 1:
            return Scene((thing(unseen),), ground)
        relation = RELATIONS[draw(3)]
        sizes = SIZES if relation == "inside" else (None, None)
        first = thing(rare == 0, sizes[0])
        return Scene((first, thing(rare == 1, sizes[1], first.colour if sizes[0] else None)), ground, relation)

    return [scene() for _ in range(n)]


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


def wording(scene, generator=None):
    """A way to say a scene: half the time its caption, else turned round or with words left out. What is left out may
    be anything; a shape that is not said is a "thing"."""
    chance = torch.rand(9, generator=generator).tolist()
    if chance[0] < 0.5:
        return str(scene)
    parts = []
    for k, thing in enumerate(scene.things):
        said = ((thing.size, 0.3, ""), (thing.colour, 0.2, ""), (thing.shape, 0.2, "thing"))
        words = [other if chance[3 * k + j + 1] < share else word for j, (word, share, other) in enumerate(said)]
        parts.append(" ".join(["a", *filter(None, words)]))
    said = f" {scene.relation} ".join(parts)
    turned = {"left of": "right of", "above": "below"}.get(scene.relation)
    if turned and chance[7] < 0.3:
        said = f"{parts[1]} {turned} {parts[0]}"
    return said if chance[8] < 0.25 else f"{said} on a {scene.background} background"


def describe(x):
    """What pictures x (N, 3, 64, 64) in [-1, 1] show, as N Scenes; see `course.scene_reader`."""
    from course.scene_reader import read

    return [Scene(tuple(Thing(*words) for words in things), ground, relation) for things, ground, relation in read(x)]


def compare(asked, seen):
    """Which attributes of the asked Scene the seen one has: {"size", "colour", "shape", "background"} and, asked for
    two things, "relation", each a bool; for a wrong number of things all but the background are wrong."""
    same = len(asked.things) == len(seen.things)
    pairs = list(zip(asked.things, seen.things, strict=False))
    found = {
        name: same and all(getattr(a, name) == getattr(b, name) for a, b in pairs)
        for name in ("size", "colour", "shape")
    }
    found["background"] = asked.background == seen.background
    return found | ({"relation": asked.relation == seen.relation} if asked.relation else {})
