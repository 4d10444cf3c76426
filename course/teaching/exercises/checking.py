"""How an exercise is marked: run the learner's function, compare with the truth, then with the known mistakes.

Running and judging are apart: `outcome` needs the function, `judge` only what came back.
"""

import copy
import dis
import random
import traceback
from dataclasses import dataclass, replace
from inspect import signature

import torch

from course.teaching import quiz
from course.teaching.exercises.feedback import POINTS, Result
from course.teaching.language import say, spoken


@dataclass(frozen=True)
class Outcome:
    """What a call gave: `value` (a tuple of tensors, None, or a word for anything else), or the error it raised; and
    which arguments it changed."""

    value: object = None
    error: str = ""  # the name of its type
    message: str = ""
    line: tuple = ()  # where in the learner's own code: its number, and what stands there
    changed: tuple = ()


def outcome(fn, case):
    """Call a function with copies of a case's arguments."""
    args = copy.deepcopy(case.args)
    try:
        value = fn(*args)
    except Exception as error:  # whatever it is, the learner is to read it
        found = Outcome(error=type(error).__name__, message=str(error).strip(), line=_own_line(fn, error))
    else:
        found = Outcome(_tensors(value))
    pairs = enumerate(zip(args, case.args, strict=True))
    return replace(found, changed=tuple(k for k, (a, b) in pairs if not _same(a, b, 0)))


def _own_line(fn, error):
    """The last line of the learner's own code on the way to an error."""
    own = getattr(getattr(fn, "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return (frames[-1].lineno, frames[-1].line) if frames else ()


def _tensors(value):
    """A tuple of tensors for what holds only tensors and numbers, None for nothing, else the name of its type."""
    if value is None or value is ...:
        return None
    parts = value if isinstance(value, tuple | list) else (value,)
    if not all(isinstance(part, torch.Tensor | int | float) for part in parts):
        return type(value).__name__
    return tuple(torch.as_tensor(part).detach() for part in parts)


def _same(a, b, tolerance):
    """Whether two values agree in shape, dtype and numbers, the last up to a tolerance relative to the largest."""
    if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
        return type(a) is type(b) and a == b
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not a.dtype.is_floating_point or not tolerance:
        return torch.equal(a, b) or bool(((a == b) | (a.isnan() & b.isnan())).all())
    finite = b[b.isfinite()]
    scale = max(1.0, finite.abs().max().item()) if len(finite) else 1.0
    return torch.allclose(a, b, rtol=0, atol=tolerance * scale, equal_nan=True)


def agree(one, other, dtype=True):
    """Whether two outcomes are the same: the same error, or tensors of one shape, and dtype, with the same numbers."""
    if one.error or other.error:
        return one.error == other.error
    if not isinstance(one.value, tuple) or not isinstance(other.value, tuple):
        return one.value == other.value
    tolerance = 1e-9 if all(part.dtype == torch.float64 for part in one.value + other.value) else 2e-5
    pairs = [
        (a if dtype else a.double(), b if dtype else b.double()) for a, b in zip(one.value, other.value, strict=False)
    ]
    return len(one.value) == len(other.value) and all(_same(a, b, tolerance) for a, b in pairs)


def unfilled(fn):
    """Whether a function has no code yet: nothing but a docstring, `...` or `pass`."""
    code = getattr(fn, "__code__", None)
    idle = {"RESUME", "NOP", "POP_TOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    steps = [] if code is None else list(dis.get_instructions(code))
    last = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return bool(steps) and {step.opname for step in steps} <= idle and last[-1] is None


def examine(exercise, fn, seed=None, tries=0):
    """The Result of a function after so many wrong `tries`. Raises nothing that the function raises."""
    if not callable(fn):
        name = "my_" + exercise.id.partition("-")[2]
        said = say("exercise.no-function", call=f"check({exercise.id!r}, {name})", name=name)
        return Result(exercise.id, "error", 0, POINTS, said)
    if unfilled(fn):
        return Result(exercise.id, "not attempted", 0, POINTS, say("exercise.stub"))
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    cases = list(exercise.cases(torch.Generator().manual_seed(seed)))
    return judge(exercise, cases, [outcome(fn, case) for case in cases], tries)


def judge(exercise, cases, found, tries=0):
    """The Result of what came back for each case."""
    words = quiz.exercises(exercise.id.partition("-")[0])[exercise.id]
    whats = [spoken(words["cases"][case.slug]) for case in cases]
    truth = [outcome(exercise.truth, case) for case in cases]
    passed = [agree(one, right) and not one.changed for one, right in zip(found, truth, strict=True)]
    shown = {"tested": tuple(zip(whats, passed, strict=True))}
    if figure := _figure(exercise, cases, found, truth):
        shown |= {"figure": figure, "caption": spoken(words["picture"])}
    if all(passed):
        return Result(exercise.id, "correct", POINTS, POINTS, say("exercise.equal", count=len(cases)), **shown)
    if mistake := known(exercise, cases, found):
        said = advice(words["mistakes"][mistake], tries)
        return Result(exercise.id, "not yet", 0, POINTS, said, mistake=mistake, **shown)
    k = passed.index(False)
    parts = [
        say("exercise.input", case=whats[k]),
        describe(found[k], truth[k], [*signature(exercise.truth).parameters]),
    ]
    parts += [say("exercise.solution", call=f"solution({exercise.id!r})")] if tries else []
    return Result(exercise.id, "error" if found[k].error else "not yet", 0, POINTS, " ".join(parts), **shown)


def known(exercise, cases, found):
    """The slug of the known mistake that gives the same outcome on every case, whatever its dtype, or None."""
    for slug, fn in exercise.mistakes.items():
        made = [outcome(fn, case) for case in cases]
        if all(agree(a, b, dtype=False) for a, b in zip(found, made, strict=True)):
            return slug
    return None


def advice(words, tries):
    """What is said to a learner who makes a known mistake: what it is, a hint, and after the first try another."""
    return " ".join(spoken(words[key]) for key in ("says", "hint", "more")[: 3 if tries else 2])


def describe(found, truth, names):
    """What is wrong with an outcome for which no mistake is known, in a sentence. `names` are the arguments'."""
    if found.error and found.error != truth.error:
        error = ": ".join([found.error, *found.message.splitlines()[:1]])
        if not found.line:
            return say("exercise.stopped", error=error)
        number, code = found.line
        return say("exercise.stopped-at", error=error, number=number, code=code)
    if found.changed:
        return say("exercise.changed", name=names[found.changed[0]])
    if truth.error:
        return say("exercise.should-raise", error=f"{truth.error}: {truth.message}")
    if found.value is None:
        return say("exercise.no-return")
    if isinstance(found.value, str):
        return say("exercise.no-tensor", type=found.value)
    count, asked = len(found.value), len(truth.value)
    if count != asked:
        return say("exercise.count-one" if asked == 1 else "exercise.count", count=count, asked=asked)
    for mine, right in zip(found.value, truth.value, strict=True):
        if mine.shape != right.shape:
            return say("exercise.shape", asked=tuple(right.shape), found=tuple(mine.shape))
        if mine.dtype != right.dtype:
            return say("exercise.dtype", asked=right.dtype, found=mine.dtype)
        if right.isfinite().all() and not mine.isfinite().all():
            return say("exercise.not-finite")
    apart = [(a.double() - b.double()).abs().max().item() for a, b in zip(found.value, truth.value, strict=True)]
    return say("exercise.apart", most=f"{max(apart):.3g}")


def _figure(exercise, cases, found, truth):
    """The picture of the first case, where there is one to draw and both are tensors of one shape."""
    mine, right = found[0].value, truth[0].value
    if exercise.picture is None or not isinstance(mine, tuple) or len(mine) != len(right):
        return None
    if any(a.shape != b.shape or not a.isfinite().all() for a, b in zip(mine, right, strict=True)):
        return None
    return exercise.picture(cases[0], mine, right)
