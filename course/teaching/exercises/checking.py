"""How an exercise is marked: run the learner's function, compare with the truth, then with the known mistakes.

Running and judging are apart: `outcome` needs the function, `judge` only what came back. Whatever that is, it is judged
on the CPU, and nothing that the function does ends in a traceback of ours.
"""

import copy
import dis
import inspect
import random
import traceback
from dataclasses import dataclass, replace
from types import FunctionType

import torch

from course.teaching import quiz
from course.teaching.exercises.answers import Odd, read
from course.teaching.exercises.feedback import POINTS, Result
from course.teaching.language import say, spoken

CPU = torch.device("cpu")  # as a context: what is made in it lies there, whatever the learner's default device is
LONG = 300  # letters of an error that are shown


@dataclass(frozen=True)
class Outcome:
    """What a call gave: `value` (a tuple of tensors, or None), or what is `odd` about it, or the error it raised; and
    which arguments it changed. `bare` are the places of plain numbers, which have no dtype of their own."""

    value: tuple | None = None
    bare: tuple = ()
    odd: Odd | None = None
    error: str = ""  # the name of its type
    message: str = ""
    line: tuple = ()  # where in the learner's own code: its number, and what stands there
    changed: tuple = ()


class Interrupted(KeyboardInterrupt):
    """The learner has stopped a check. A notebook shows the one line that it holds."""

    def _render_traceback_(self):
        return [str(self)]


def outcome(fn, case):
    """Call a function with copies of a case's arguments. Raises Interrupted, and nothing that the function raises."""
    args = copy.deepcopy(case.args)
    value, error = _guarded(lambda: _called(fn, args))
    if error is not None:
        message, _ = _guarded(lambda: str(error).strip()[:LONG])
        found = Outcome(error=type(error).__name__, message=message or "", line=_own_line(fn, error))
    else:
        parts, failed = _guarded(lambda: read(value))
        found = Outcome(*parts) if failed is None else Outcome(odd=Odd("unreadable", {"type": type(value).__name__}))
    pairs = enumerate(zip(args, case.args, strict=True))
    return replace(found, changed=tuple(k for k, pair in pairs if not _guarded(lambda pair=pair: _same(*pair, 0))[0]))


def _called(fn, args):
    """What a function returns. `exit` and `quit` raise in it, where those of a notebook would end the kernel."""
    known = getattr(_unwrapped(fn), "__globals__", {})
    own = {name for name, value in known.items() if isinstance(value, FunctionType) or not callable(value)}
    names = [name for name in ("exit", "quit") if name not in own]
    theirs = {name: known[name] for name in names if name in known}
    known |= dict.fromkeys(names, _leave)
    try:
        return fn(*args)
    except KeyboardInterrupt as stop:
        number, code = _own_line(fn, stop) or ("?", "?")
        said = say("exercise.interrupted", number=number, code=code)
        raise Interrupted(said) from None
    finally:
        for name in names:
            known.pop(name, None)
        known |= theirs


def _unwrapped(fn):
    """The learner's own function inside decorators such as torch.no_grad()."""
    return inspect.unwrap(fn) if callable(fn) else fn


def _leave(*_):
    raise SystemExit


def _guarded(call):
    """What a call gives and None, or None and the error that it raised; only Ctrl-C is passed on."""
    try:
        return call(), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too: whatever it is, the learner is to read it
        return None, error


def _own_line(fn, error):
    """The last line of the learner's own code on the way to an error."""
    own = getattr(getattr(_unwrapped(fn), "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return (frames[-1].lineno, frames[-1].line) if frames else ()


def _same(a, b, tolerance):
    """Whether two values agree in shape, dtype and numbers, the last up to a tolerance relative to the largest."""
    if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
        return type(a) is type(b) and a == b
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    inexact = a.dtype.is_floating_point or a.dtype.is_complex
    if not inexact or not tolerance:
        return torch.equal(a, b) or bool(((a == b) | (a.isnan() & b.isnan())).all())
    finite = b[b.isfinite()]
    scale = max(1.0, finite.abs().max().item()) if len(finite) else 1.0
    return torch.allclose(a, b, rtol=0, atol=tolerance * scale, equal_nan=True)


def agree(one, other, dtype=True):
    """Whether two outcomes are the same: the same error, or tensors of one shape, and dtype, with the same numbers."""
    if one.error or other.error:
        return one.error == other.error
    if one.value is None or other.value is None:
        return (one.value, one.odd) == (other.value, other.odd)
    if len(one.value) != len(other.value) or (dtype and not all(_of_one_dtype(one, other))):
        return False
    parts = one.value + other.value
    # what rounding to a dtype may cost, and hardly more: twice that, and a slip passes for a right answer in bfloat16
    coarse = max((0.55 * torch.finfo(part.dtype).eps for part in parts if part.dtype.is_floating_point), default=0)
    tolerance = 1e-9 if all(part.dtype == torch.float64 for part in parts) else max(2e-5, coarse)
    return all(_equal(a, b, tolerance) for a, b in zip(one.value, other.value, strict=True))


def _equal(a, b, tolerance):
    """Whether two tensors of any dtypes have one shape and the same numbers; whole numbers exactly."""
    wide = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    whole = not any(_kind(x) in ("float", "complex") for x in (a, b))
    return a.shape == b.shape and _same(a.to(wide), b.to(wide), 0 if whole else tolerance)


def _kind(x):
    """What kind of numbers a tensor holds, whatever their precision."""
    if x.is_complex():
        return "complex"
    return "float" if x.is_floating_point() else "bool" if x.dtype == torch.bool else "whole"


def _of_one_dtype(one, other):
    """For each pair of parts whether their dtypes agree. A plain number takes any of its kind."""
    for k, (a, b) in enumerate(zip(one.value, other.value, strict=True)):
        yield a.dtype == b.dtype or (k in one.bare + other.bare and _kind(a) == _kind(b))


def unfilled(fn):
    """Whether a function has no code yet: nothing but a docstring, `...` or `pass`."""
    code = getattr(_unwrapped(fn), "__code__", None)
    idle = {"RESUME", "NOP", "POP_TOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    steps = [] if code is None else list(dis.get_instructions(code))
    last = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return bool(steps) and {step.opname for step in steps} <= idle and last[-1] is None


def examine(exercise, fn, seed=None, tries=0):
    """The Result of a function after so many wrong `tries`. Raises nothing that the function raises."""
    if not callable(fn):
        name = "my_" + exercise.id.partition("-")[2]
        said = say("exercise.no-function", call=f"check({exercise.id!r}, {name})", name=name)
        return Result(exercise.id, "not attempted", 0, POINTS, said)
    if unfilled(fn):
        return Result(exercise.id, "not attempted", 0, POINTS, say("exercise.stub"))
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    with CPU:
        cases = list(exercise.cases(torch.Generator().manual_seed(seed)))
    found = [outcome(fn, case) for case in cases]
    with CPU:
        return judge(exercise, cases, found, tries)


def judge(exercise, cases, found, tries=0):
    """The Result of what came back for each case. Right numbers of another dtype have all points but one."""
    words = quiz.exercises(exercise.id.partition("-")[0])[exercise.id]
    whats = [spoken(words["cases"][case.slug]) for case in cases]
    truth = [outcome(exercise.truth, case) for case in cases]
    passed = [agree(one, right) and not one.changed for one, right in zip(found, truth, strict=True)]
    shown = {"tested": tuple(zip(whats, passed, strict=True))}
    if figure := _figure(exercise, cases, found, truth):
        shown |= {"figure": figure, "caption": spoken(words["picture"])}
    if all(passed):
        return Result(exercise.id, "correct", POINTS, POINTS, say("exercise.equal", count=len(cases)), **shown)
    k = passed.index(False)
    tested = say("exercise.input", case=whats[k])
    if all(agree(one, right, dtype=False) and not one.changed for one, right in zip(found, truth, strict=True)):
        said = f"{tested} {say('exercise.only-dtype', **_dtypes(found[k], truth[k]))}"
        return Result(exercise.id, "not yet", POINTS - 1, POINTS, said, **shown)
    if mistake := known(exercise, cases, found):
        said = advice(words["mistakes"][mistake], tries)
        return Result(exercise.id, "not yet", 0, POINTS, said, mistake=mistake, **shown)
    parts = [tested, describe(found[k], truth[k], [*inspect.signature(exercise.truth).parameters])]
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
    if found.odd:
        return say(f"exercise.{found.odd.key}", **found.odd.values)
    if found.value is None:
        return say("exercise.no-return")
    count, asked = len(found.value), len(truth.value)
    if count != asked:
        key = "count-one" if asked == 1 else "count-few" if count < asked else "count"
        return say(f"exercise.{key}", count=count, asked=asked)
    pairs = [*zip(found.value, truth.value, strict=True)]
    for mine, right in pairs:
        if mine.shape != right.shape:
            return say("exercise.shape", asked=tuple(right.shape), found=tuple(mine.shape))
    if not all(_of_one_dtype(found, truth)):
        return say("exercise.dtype", **_dtypes(found, truth))
    if any(right.isfinite().all() and not mine.isfinite().all() for mine, right in pairs):
        return say("exercise.not-finite")
    apart = [torch.where(a == b, 0, a.double() - b.double()).abs() for a, b in pairs]
    return say("exercise.apart", most=f"{max(part.max().item() for part in apart if part.numel()):.3g}")


def _dtypes(found, truth):
    """The first dtype that is not the one asked for: {"asked", "found"}."""
    k = [*_of_one_dtype(found, truth)].index(False)
    return {"asked": truth.value[k].dtype, "found": found.value[k].dtype}


def _figure(exercise, cases, found, truth):
    """The picture of the first case, where there is one to draw and both are real tensors of one shape."""
    mine, right = found[0].value, truth[0].value
    if exercise.picture is None or mine is None or len(mine) != len(right):
        return None
    if any(a.shape != b.shape or a.is_complex() or not a.isfinite().all() for a, b in zip(mine, right, strict=True)):
        return None
    return exercise.picture(cases[0], tuple(a.to(b.dtype) for a, b in zip(mine, right, strict=True)), right)
