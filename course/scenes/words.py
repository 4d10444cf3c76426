"""Scenes in words: what a caption can say, scenes at random, and the ways to say them."""

from dataclasses import dataclass
from itertools import product

import torch

SHAPES = ("circle", "square", "triangle", "star", "ring", "cross", "heart", "diamond")
COLOURS = {  # and how each is painted, as bytes
    "red": (220, 40, 40),
    "green": (40, 170, 62),
    "blue": (50, 78, 220),
    "yellow": (240, 214, 50),
    "purple": (156, 60, 190),
    "orange": (245, 149, 40),
    "cyan": (60, 199, 220),
    "pink": (245, 130, 178),
}
BACKGROUNDS = {"white": (245, 245, 245), "black": (25, 25, 25), "gray": (128, 128, 128)}
SIZES = ("small", "large")
RELATIONS = ("left of", "above", "inside")
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
    colours, shapes, grounds = list(COLOURS), SHAPES, list(BACKGROUNDS)

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
