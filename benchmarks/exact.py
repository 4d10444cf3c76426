"""What a walk from noise to digits costs with the exact denoiser, each choice against the usual one."""

import time
from functools import partial

import torch
from measuring import compared, cores, measure

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
    f"{cores()} threads": partial(walk, threads=cores()),
    "ddim, eta = 1": partial(walk, eta=1.0),
    "ddpm": partial(walk, ddpm),
    "ddim, 10 steps": partial(walk, steps=10),
    "ddpm, 1000 steps": partial(walk, ddpm, steps=1000),
}


def exact(bench):
    """The row: every contender above."""
    seconds = measure(CONTENDERS, bench.size.rounds(11), bench.size.seconds(180))
    text = f"{PICTURES} digits of 8 x 8 drawn with the exact denoiser of 1,297 scans; no network is involved."
    return compared("s", seconds, text=text)
