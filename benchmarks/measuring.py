"""How the benchmark measures: contenders take turns, figures are ratios of one round, results are kept row by row.

Seconds from different moments cannot be compared on a busy machine. So all contenders take turns in every round, and
what is reported is the ratio to the usual one of the same round: the median, and its lowest and highest.
"""

import json
import os
import platform
import statistics
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import torch

from course import env
from course.commands import UserError, write_out


class Skip(Exception):
    """A row cannot be measured here; the message says why. It is tried again by the next run."""


@dataclass(frozen=True)
class Size:
    """How much is measured: the whole at share 1, and for a rehearsal a `share` of all rounds, seconds and pictures."""

    share: float = 1.0

    def rounds(self, n):
        """n rounds, or fewer in a rehearsal, at least 2."""
        return max(2, round(n * self.share))

    def seconds(self, s):
        """s seconds, or fewer in a rehearsal."""
        return s * self.share

    def batch(self, n):
        """A batch of n pictures, or an eighth in a rehearsal."""
        return n if self.share >= 1 else n // 8

    def pictures(self, n, least=64):
        """n pictures, or fewer in a rehearsal, at least `least`."""
        return n if self.share >= 1 else max(least, round(n * self.share))


@dataclass(frozen=True)
class Bench:
    """What a row is given: its size, the folder for its files, and the results so far, {row: result}."""

    size: Size
    folder: Path
    rows: dict = field(default_factory=dict)

    def needs(self, row):
        """The result of another row. Raises Skip where it was not measured."""
        if "skipped" in self.rows.get(row, {"skipped": ""}):
            raise Skip(f"it builds on the row `{row}`, which is not measured yet")
        return self.rows[row]


def measure(contenders, rounds, limit=None, warm=True):
    """What each contender returns in each round, as {name: [number]}; the order turns by one from round to round.

    `contenders` maps a name to a callable that returns a number; if `warm`, each is called once before. After `limit`
    seconds no round is begun, once there are three.
    """
    names, numbers = list(contenders), {name: [] for name in contenders}
    for one in contenders.values() if warm else ():  # the first call of a kind loads and allocates
        one()
    begun = time.perf_counter()
    for shift in range(rounds):
        if limit is not None and shift >= 3 and time.perf_counter() - begun > limit:
            break
        for name in names[shift % len(names) :] + names[: shift % len(names)]:
            numbers[name].append(contenders[name]())
    return numbers


def compared(unit, numbers, against=None, text="", better="lower"):
    """The result of a row that compares: its numbers by name and round, and which is held against which.

    `against` maps a name to the one it is divided by; without it, all are divided by the first. `better` says whether
    a higher or a lower number is.
    """
    first = next(iter(numbers))
    against = against or dict.fromkeys(numbers, first)
    return {"unit": unit, "better": better, "numbers": numbers, "against": against, "text": text}


def ratios(result):
    """For each contender of a comparing row the ratios to its own usual one, round by round: {name: (median, lowest,
    highest)}."""
    found = {}
    for name, usual in result["against"].items():
        ratio = [a / b for a, b in zip(result["numbers"][name], result["numbers"][usual], strict=True)]
        found[name] = (statistics.median(ratio), min(ratio), max(ratio))
    return found


def rate_of(result, who):
    """The median number of a contender of a comparing row, on all cores: `who` is its name without the threads."""
    most = max(thread_counts())
    return statistics.median(result["numbers"][f"{who}, {most} thread{'s' * (most > 1)}"])


def rate(step, pictures, threads, seconds, wait=lambda: None):
    """A contender: `step()`, which works on so many `pictures`, again and again for about `seconds`; returns images/s.

    `wait` returns when the device has done its work.
    """
    state = {}

    def run(times):
        env.threads(threads)
        begun = time.perf_counter()
        for _ in range(times):
            step()
        wait()
        return (time.perf_counter() - begun) / times

    def turn():
        if not state:  # the first turn finds out how many steps fill the time
            run(2)
            state["times"] = max(1, round(seconds / run(2)))
        return pictures / run(state["times"])

    return turn


def processor():
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cores():
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def thread_counts():
    """One thread and, where there is a second core, two."""
    return [1, 2] if cores() > 1 else [1]


def has_bfloat16():
    """Whether the processor multiplies bfloat16 in hardware."""
    return env.precision("cpu") == torch.bfloat16


def busy():
    """The share of the machine that other programs use while this one waits for a moment, 0 to 1."""
    return psutil.cpu_percent(0.3) / 100


def machine():
    """What the figures depend on, as a dict of texts and numbers: results of two machines are never put together."""
    found = {"processor": processor(), "cores": cores(), "GiB": round(psutil.virtual_memory().total / 2**30)}
    found |= {"system": platform.system(), "python": platform.python_version(), "torch": torch.__version__}
    try:
        found["diffusers"] = version("diffusers")
    except PackageNotFoundError:
        found["diffusers"] = None
    found["bfloat16"] = has_bfloat16()
    return found | {"gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None}


def read_results(path, here):
    """The rows of a results file that was written on this machine, {} where there is none.

    Raises UserError where another machine wrote it: `here` is what `machine` said.
    """
    if not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored["machine"] != here:
        odd = [key for key in here if stored["machine"].get(key) != here[key]]
        raise UserError(f"{path} was measured on another machine ({', '.join(odd)} differ): move it away first")
    return stored["rows"]


def write_results(path, here, rows):
    """Write the results, whole or not at all."""
    write_out(path, json.dumps({"machine": here, "rows": rows}, indent=1))
