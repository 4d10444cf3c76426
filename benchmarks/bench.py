"""Measure what the course costs on this machine, side by side with the best-known course; row by row, and resumable.

    make bench                                     # the quick rows, at most 20 minutes
    python benchmarks/bench.py --full              # also time to quality: at most 150 minutes; a quiet machine, please
    python benchmarks/bench.py --again speed       # measure a row anew
    python benchmarks/bench.py --full --rehearse   # see that each row works; nothing is kept in docs/

Each row is written to build/bench/results.json as soon as it is measured, and a second run skips it. After every row
docs/benchmark.md and docs/benchmark.png are written from the results.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import exact
import gpu
import memory
import quality
import report
import rows
from measuring import Bench, Size, Skip, busy, machine, read_results, write_results

from course.commands import UserError, number

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Row:
    """One row: how it is measured, whether only --full does, and which row it builds on."""

    measured: Callable  # Bench -> dict that JSON can hold; may raise Skip
    full: bool = False
    builds_on: str | None = None


ROWS = {
    "speed": Row(rows.speed),
    "threads": Row(rows.threads, builds_on="speed"),
    "parts": Row(rows.parts),
    "memory": Row(memory.memory),
    "sampler": Row(rows.sampler),
    "exact": Row(exact.exact),
    "gpu": Row(gpu.gpu, full=True),
    "baseline": Row(quality.baseline, full=True),
    **{name: Row(measured, full=True, builds_on="baseline") for name, measured in quality.OURS.items()},
}


def wanted(table, full, again):
    """The rows to look at, in order: the quick ones, for `full` all, and those that `again` names or touches."""
    return [name for name, row in table.items() if full or not row.full or {name, row.builds_on} & {*again}]


def measure_rows(table, names, again, bench, keep):
    """Measure those rows that have no result yet, or are in `again`, or build on one that is measured; `keep()` after
    each. What is skipped is tried again the next time."""
    results = bench.rows
    for name in names:
        if name in results and "skipped" not in results[name] and name not in again:
            print(f"{name}: measured on {results[name]['date']}")
            continue
        others = busy()
        print(f"{name} ... (other programs use {others:.0%} of the machine)", flush=True)
        begun = time.perf_counter()
        try:
            result = table[name].measured(bench)
        except Skip as reason:
            result = {"skipped": str(reason)}
            print(f"  skipped: {reason}")
        for other, row in table.items():
            if row.builds_on == name:
                results.pop(other, None)
        took = round(time.perf_counter() - begun, 1)
        results[name] = result | {"date": time.strftime("%Y-%m-%d"), "took": took, "busy": others}
        ordered = {key: results[key] for key in table if key in results}
        results.clear()
        results.update(ordered)
        keep()
        print(f"  {results[name]['took']:.0f} s")


def parse(arguments, table):
    """The wishes of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="also the rows that take up to two hours")
    parser.add_argument("--again", nargs="+", default=[], choices=table, metavar="ROW", help=f"of {', '.join(table)}")
    parser.add_argument(
        "--rehearse",
        nargs="?",
        type=number(1e-4, 1),
        const=0.005,
        metavar="SHARE",
        help="a share of all rounds, seconds and pictures, in build/bench/rehearsal (default: 0.005)",
    )
    return parser.parse_args(arguments)


def main(arguments=None, table=ROWS, root=ROOT):
    """Measure, and write the page; returns the exit status."""
    chosen = parse(arguments, table)
    folder, docs = root / "build" / "bench", root / "docs"
    if chosen.rehearse:
        folder = docs = folder / "rehearsal"
    folder.mkdir(parents=True, exist_ok=True)
    place, here = folder / "results.json", machine()
    try:
        bench = Bench(Size(chosen.rehearse or 1.0), folder, read_results(place, here))
        names = wanted(table, chosen.full, chosen.again)

        def keep():
            write_results(place, here, bench.rows)
            report.write(here, bench.rows, docs, chosen.rehearse)

        measure_rows(table, names, chosen.again, bench, keep)
        if bench.rows:
            keep()
    except UserError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    print(f"The page is {docs / 'benchmark.md'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
