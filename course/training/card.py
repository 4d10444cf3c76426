"""What a file of weights says of itself."""

import json
from dataclasses import asdict, dataclass, field, fields


@dataclass(frozen=True)
class Card:
    """What a network is, what it learned from, how, where, and how well.

    `save_model` fills in `net`, `prints` and `schedule`; the rest is yours to say. `from_json` is the inverse of
    `to_json` up to what JSON holds (a tuple inside a recipe becomes a list), and raises ValueError for what is no card.
    """

    net: dict = field(default_factory=dict)  # "kind", and what the constructor of that network takes
    prints: str | None = None  # "eps", "x0", "v", "score" or "velocity"; None is no diffusion model
    schedule: str | None = None  # the name of its schedule, whose table lies beside the weights
    shape: tuple = ()  # of a picture (C, H, W) or a point (D,)
    data: str = ""  # what it learned from
    recipe: dict = field(default_factory=dict)  # all that a training can be told, "steps" among it
    step: int | None = None  # where it stands
    seconds: float | None = None  # that the steps took
    device: str = ""
    threads: int | None = None
    torch: str = ""  # version
    metrics: dict = field(default_factory=dict)  # what was measured, with intervals
    note: str = ""

    @property
    def classes(self):
        """How many labels the network knows."""
        return self.net.get("num_classes", 0)

    def to_json(self):
        """The card as one line of JSON; what is empty is left out."""
        return json.dumps({key: value for key, value in asdict(self).items() if value not in (None, "", (), {})})

    @classmethod
    def from_json(cls, text):
        """The card in a text of JSON."""
        try:
            found = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError("the card is no JSON") from error
        if not isinstance(found, dict):
            raise ValueError(f"the card is {type(found).__name__}, not a table")
        if "latents" in found:  # so version 0.1 said how many of them a file holds
            found["recipe"] = found.get("recipe", {}) | {"latents": found.pop("latents")}
        known = {f.name: f.type for f in fields(cls)}
        for key, value in found.items():
            if key not in known:
                raise ValueError(f"the card tells of {key!r}, which this version does not know")
            if key == "shape" and isinstance(value, list):
                found[key] = tuple(value)
            elif not isinstance(value, known[key]) and not (known[key] == float | None and isinstance(value, int)):
                raise ValueError(f"the card's {key} cannot be {value!r}"[:200])
        return cls(**found)
