"""What a walk from noise to digits costs with the exact denoiser, each choice against the usual one.

    make bench
    python benchmarks/exact.py --rounds 21

Seconds from different moments cannot be compared on a busy machine. So all contenders take turns in every round, and
what is printed is the ratio to the usual one of the same round: the median, and between what bounds most rounds lie.
"""

import argparse
import os
import platform
import statistics
import time
from functools import partial

import psutil
import torch

from course import env, schedules
from course.data import load
from course.exact import FiniteSet
from course.samplers import ddim, ddpm, last

PICTURES = 64


def walk(sampler=ddim, steps=50, dtype=torch.float32, threads=1, **options):
    """Draw 64 digits; returns the seconds it took."""
    env.threads(threads)
    schedule = schedules.linear()
    model = FiniteSet(load("digits", "train")[0].to(dtype)).eps_model(schedule)
    x_T = torch.randn(PICTURES, 1, 8, 8, generator=env.seed_all(0), dtype=dtype)
    start = time.perf_counter()
    last(sampler(model, schedule, x_T, schedule.grid(steps), **options))
    return time.perf_counter() - start


CONTENDERS = {
    "ddim, 50 steps, float32, 1 thread": walk,  # the usual one: first
    "the same again": partial(walk),  # how far a ratio may be from 1 by chance
    "float64": partial(walk, dtype=torch.float64),
    f"{os.cpu_count()} threads": partial(walk, threads=os.cpu_count()),
    "ddim, eta = 1": partial(walk, eta=1.0),
    "ddpm": partial(walk, ddpm),
    "ddim, 10 steps": partial(walk, steps=10),
    "ddpm, 1000 steps": partial(walk, ddpm, steps=1000),
}


def measure(contenders, rounds):
    """Seconds of each contender in each round, as {name: [seconds]}; the order turns by one from round to round."""
    names, seconds = list(contenders), {name: [] for name in contenders}
    for one in contenders.values():  # the first call of a kind loads and allocates
        one()
    for shift in range(rounds):
        for name in names[shift % len(names) :] + names[: shift % len(names)]:
            seconds[name].append(contenders[name]())
    return seconds


def ratios(seconds):
    """For each contender the ratios to the first one, round by round: (median, tenth percentile, ninetieth)."""
    usual = next(iter(seconds.values()))
    found = {}
    for name, own in seconds.items():
        ratio = [a / b for a, b in zip(own, usual, strict=True)]
        tenths = statistics.quantiles(ratio, n=10, method="inclusive")
        found[name] = (statistics.median(ratio), tenths[0], tenths[-1])
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=11, help="rounds, at least 2 (default: 11)")
    rounds = max(2, arguments.parse_args().rounds)
    seconds = measure(CONTENDERS, rounds)
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{platform.system()}, {os.cpu_count()} cores, {memory:.0f} GiB, torch {torch.__version__}"
    print(f"{PICTURES} digits, {rounds} rounds; {machine}\n")
    print(f"{'':36}{'ratio':>8}{'most rounds':>18}{'median':>12}")
    for name, (middle, low, high) in ratios(seconds).items():
        milliseconds = 1000 * statistics.median(seconds[name])
        print(f"{name:36}{middle:8.2f}{f'{low:.2f} to {high:.2f}':>18}{milliseconds:9.1f} ms")


if __name__ == "__main__":
    main()
