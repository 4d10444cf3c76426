"""Lesson 06: what a learner's script did with stand-ins that only took notes, done again with those that look.

The notes come from a stranger's process: only what a script for an image can want is done again, each thing by name.
"""

from contextlib import nullcontext

import torch

from course.pipelines import CHECKPOINTS

DTYPES = {"float16": torch.float16, "half": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
LONGEST = 10_000  # steps
LETTERS = 10_000  # of a text
IDLE = "no_grad", "inference_mode", "enable_grad", "manual_seed"  # of torch: they change nothing that is looked at


class NotAStandIn(ValueError):
    """A script that does something with a stand-in that no script for an image needs."""


def replayed(steps, returned):
    """A function of the stand-ins that does the `steps` of `wire.Recorder` again and returns what was `returned`."""

    def fn(diffusers, torch, seed):
        return _Replay({"diffusers": diffusers, "torch": torch}).all(steps, returned)

    return fn


class _Replay:
    def __init__(self, roots):
        self.roots, self.things, self.open = roots, [], []

    def all(self, steps, returned):
        """What was returned, after all steps. Raises NotAStandIn, and what the stand-ins raise."""
        if len(steps) > LONGEST:
            raise NotAStandIn("steps")
        does = {name: getattr(self, f"_{name}") for name in ("root", "get", "item", "call", "set", "enter", "leave")}
        try:
            for what, *rest in steps:
                self.things.append(does[what](*rest))
            return self._answer(returned)
        except (AttributeError, KeyError, IndexError) as error:
            raise NotAStandIn(type(error).__name__) from error
        finally:
            while self.open:
                self.open.pop().__exit__(None, None, None)

    def _root(self, name):
        return self.roots[name] if name in self.roots else _Course(name)

    def _get(self, k, name):
        thing = self.things[k]
        if name.startswith("_"):
            raise AttributeError(name)
        if thing is self.roots["torch"]:
            return _of_torch(thing, name)
        if isinstance(thing, torch.Generator):
            return {"manual_seed": lambda n: thing.manual_seed(int(n))}[name]
        if isinstance(thing, torch.Tensor):
            return {"save": lambda path: thing.save("." if path.there else "no-such-folder/image")}[name]
        return getattr(_looking(thing), name)

    def _item(self, k, key):
        key = self._value(key)
        if not isinstance(key, int | str):  # a tensor makes tensors of any size of others
            raise NotAStandIn("key")
        return self.things[k][key]

    def _call(self, k, args, named):
        fn = self.things[k]
        if not callable(fn):
            raise NotAStandIn(type(fn).__name__)
        return fn(*map(self._value, args), **{name: self._value(value) for name, value in named.items()})

    def _set(self, k, name, value):
        if name == "scheduler" and not isinstance(thing := _looking(self.things[k]), type):  # a class is everybody's
            thing.scheduler = self._value(value)

    def _enter(self, k):
        self.open.append(self.things[k])
        return self.things[k].__enter__()

    def _leave(self, k):
        if self.open and self.open[-1] is self.things[k]:
            self.open.pop().__exit__(None, None, None)

    def _answer(self, noted):
        """What was returned: a thing, or several."""
        if "list" in noted:
            return [self._answer(part) for part in noted["list"]]
        return self.things[noted["step"]] if "step" in noted else self._value(noted)

    def _value(self, noted):
        """A value that was given to a stand-in, as `wire.plain` notes it; it takes no more room than its note."""
        (kind, one), *_ = noted.items()
        kinds = {
            "path": lambda: _Text(_only(str, one, LETTERS), noted["folder"]),
            "plain": lambda: _only(int | float | None, one),
            "step": lambda: self._thing(one),
            "dtype": lambda: DTYPES.get(one, one),
            "seed": lambda: torch.Generator().manual_seed(one),
            "list": lambda: [self._in_list(part) for part in one],
            "type": lambda: None,
        }
        return kinds[kind]()

    def _thing(self, k):
        """The thing that a step gave; no list, for of lists of lists a few steps make one without end."""
        if isinstance(self.things[k], list):
            raise NotAStandIn("list")
        return self.things[k]

    def _in_list(self, noted):
        return _only(torch.Generator, self.things[noted["step"]]) if "step" in noted else self._value(noted)


def _only(kind, value, most=None):
    """The value, where it is of a kind, and a text not too long. Raises NotAStandIn."""
    if not isinstance(value, kind) or (most and len(value) > most):
        raise NotAStandIn(type(value).__name__)
    return value


class _Text(str):
    """A text, which may be a path: `there` is whether its folder was there where the script ran."""

    def __new__(cls, text, there):
        made = super().__new__(cls, text)
        made.there = there
        return made


class _Course:
    """What a script may take from the course: the names of checkpoints."""

    def __init__(self, name):
        self.CHECKPOINTS = CHECKPOINTS if name in ("hub", "pipelines", "course") else {}
        self.hub = self.pipelines = self

    def __getitem__(self, key):
        return CHECKPOINTS[key]


def _of_torch(stand_in, name):
    """What torch is asked for by name; what is not known here does nothing."""
    if name in DTYPES:
        return DTYPES[name]
    if name in ("cuda", "Generator", "autocast"):
        return getattr(stand_in, name)
    return (lambda *_, **__: nullcontext()) if name in IDLE else (lambda *given, **__: given[0] if given else None)


def _looking(thing):
    """The thing, where it is one of the stand-ins that look, or a checkpoint's entry. Raises NotAStandIn."""
    home = type(thing).__module__
    if home.startswith("course.") or type(thing).__name__ == "Output" or isinstance(thing, type):
        return thing
    raise NotAStandIn(type(thing).__name__)
