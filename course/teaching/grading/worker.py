"""What runs in the sandbox: a student's functions, on inputs that come in, with answers that go out as plain numbers.

It stands alone: beside it lie only `wire` and `answers`; it knows no expected value, and all that it says is doubted.
A job and its reply are one line of JSON each; how long a job may take is watched from outside, too.
"""

import builtins
import json
import linecache
import os
import resource
import sys
import traceback
from contextlib import suppress

CPU_SECONDS = 5  # for one job
ALL_SECONDS = 60  # for the whole of a worker
ADDRESSES = 6 << 30  # bytes: importing torch alone takes more than 2 GiB of addresses
DATA = 3 << 30  # bytes that can be written to
FILE = 1 << 20  # bytes of a file
MOST = 1 << 20  # bytes of an answer
LONG = 300  # letters of an error that are told


def limit():
    """Bind this process to what a student's functions may take; nothing in it can take that back."""
    for what, most in (
        (resource.RLIMIT_AS, ADDRESSES),
        (resource.RLIMIT_DATA, DATA),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (most, most))
    spent = resource.getrusage(resource.RUSAGE_SELF)
    most = int(spent.ru_utime + spent.ru_stime) + ALL_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))


def allow(seconds):
    """Let this process use so many seconds of processor time more; then the kernel ends it."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = min(int(spent.ru_utime + spent.ru_stime) + 1 + seconds, most)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, most))


def leave(*_):
    """In the place of exit and quit, which would close the line on which jobs come."""
    raise SystemExit


def main():
    """Answer jobs until there are no more."""
    sys.path[:0] = ["/box", *sys.argv[1:]]
    jobs, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for place in (1, 2):
        os.dup2(nothing, place)  # what a student prints goes nowhere
    builtins.exit = builtins.quit = leave
    import torch

    torch.set_num_threads(1)
    limit()
    replies.write(b'"ready"\n')
    replies.flush()
    for line in jobs:
        allow(CPU_SECONDS)
        replies.write(json.dumps(done(json.loads(line))).encode() + b"\n")
        replies.flush()


def done(job):
    """The reply to a job: what came of each call, be it the error that kept the function from being defined."""
    import wire

    wire.LOG.clear()
    space = {"__name__": "__student__"} | {name: wire.Recorder("root", name) for name in job["course"]}
    for statement in job["needs"]:
        with suppress(BaseException):  # what needs it will say so, and the rest may go well
            exec(compile(statement, "<notebook>", "exec"), space)
    linecache.cache["<answer>"] = (len(job["source"]), None, job["source"].splitlines(True), "<answer>")
    try:
        exec(compile(job["source"], "<answer>", "exec"), space)
        fn = space[job["name"]]
    except BaseException as error:
        return {"calls": [told(error)] * len(job["calls"])}
    return {"calls": [called(fn, args, job["stand_ins"]) for args in job["calls"]]}


def called(fn, args, stand_ins):
    """What one call gives, and which arguments it changed or, for stand-ins, what it did with them."""
    import wire
    from answers import read

    before = len(wire.LOG)
    mine = tuple(map(wire.decoded, args))
    try:
        value = fn(*mine)
    except BaseException as error:
        found = told(error)
    else:
        found = {"returned": wire.plain(value)} if stand_ins else sent(*guarded(read, value), value)
    if stand_ins:
        log = wire.LOG[:]
        del wire.LOG[before:]  # what the notebook did before stays
        return found | {"log": log}
    pairs = enumerate(zip(mine, map(wire.decoded, args), strict=True))
    return found | {"changed": [k for k, pair in pairs if not same(*pair)]}


def guarded(read, value):
    """What `read` makes of a value, or the error that it raised."""
    try:
        return read(value), None
    except BaseException as error:
        return None, error


def sent(parts, error, value):
    """An answer in words of JSON."""
    import wire

    if error is not None:
        return {"odd": ["unreadable", {"type": type(value).__name__[:LONG]}]}
    tensors, bare, odd = parts
    if odd is not None:
        return {"odd": [odd.key, {key: one if isinstance(one, int) else str(one) for key, one in odd.values.items()}]}
    if tensors is None:
        return {"nothing": True}
    size = sum(part.numel() * part.element_size() for part in tensors)
    if size > MOST:
        return {"huge": size}
    return {"value": [wire.encoded(part) for part in tensors], "bare": list(bare)}


def same(one, other):
    """Whether an argument is still what it was."""
    import torch

    try:
        if not isinstance(other, torch.Tensor):
            return type(one) is type(other) and one == other
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return bool(((one == other) | ((one != one) & (other != other))).all())
    except BaseException:  # there is no telling any more
        return False


def told(error):
    """An error as its type, its message, and the last line of the student's own code on the way to it."""
    try:
        message = str(error).strip()[:LONG]
    except BaseException:
        message = ""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<answer>"]
    if isinstance(error, SyntaxError) and error.filename == "<answer>":
        line = [error.lineno, (error.text or "").strip()[:LONG]]
    else:
        line = [own[-1].lineno, (own[-1].line or "")[:LONG]] if own else []
    return {"error": type(error).__name__[:LONG], "message": message, "line": line}


if __name__ == "__main__":
    main()
