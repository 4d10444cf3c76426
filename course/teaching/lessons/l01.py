"""The exercises of lesson 01, pictures and noise, as code; their words stand in the quiz file of the lesson."""

import math

import torch

from course.data.sets import as_tensors, photo
from course.forward import q_sample
from course.schedules import Schedule
from course.teaching.exercises.spec import Case, Exercise, column, normal


def _weighed(weights, clip=math.inf):
    """A mix with other `weights`, a function from SNR to the factors of picture and noise."""

    def fn(x0, snr, eps):
        of_x0, of_eps = weights(column(snr, x0) if snr.ndim else snr)
        return (of_x0 * x0 + of_eps * eps).clamp(-clip, clip)

    return fn


def _right(snr):
    return (snr / (1 + snr)).sqrt(), (1 / (1 + snr)).sqrt()


def _shaped_outside(shape):
    """The right mix, with the SNR brought to a shape of one's own."""

    def fn(x0, snr, eps):
        of_x0, of_eps = _right(shape(snr))
        return of_x0 * x0 + of_eps * eps

    return fn


def _math_roots(x0, snr, eps):
    return math.sqrt(snr / (1 + snr)) * x0 + math.sqrt(1 / (1 + snr)) * eps


MIX = {
    "amplitudes": _weighed(lambda snr: _right(snr**2)),
    "no-roots": _weighed(lambda snr: (snr / (1 + snr), 1 / (1 + snr))),
    "root-of-picture-only": _weighed(lambda snr: ((snr / (1 + snr)).sqrt(), 1 / (1 + snr))),
    "exchanged": _weighed(lambda snr: _right(snr)[::-1]),
    "full-size": _weighed(lambda snr: (1, snr**-0.5)),
    "decibels": _weighed(lambda snr: _right(10 ** (snr / 10))),
    "clamped": _weighed(_right, clip=1),
    "last-axis": _shaped_outside(lambda snr: snr),
    "always-indexed": _shaped_outside(lambda snr: snr[:, None, None, None]),
    "math-sqrt": _math_roots,
}

NOISE_STD = {
    "variance": lambda patch: patch.flatten(1).var(1),
    "mean-kept": lambda patch: (patch**2).flatten(1).mean(1).sqrt(),
    "by-n": lambda patch: patch.flatten(1).std(1, correction=0),
    "absolute": lambda patch: (patch - patch.mean((1, 2), keepdim=True)).abs().mean((1, 2)),
    "one-for-all": lambda patch: patch.std(),
    "across-patches": lambda patch: patch.std(0),
    "rows": lambda patch: patch.std(2),
    "mean-of-rows": lambda patch: patch.std(2).mean(1),
    "neighbours": lambda patch: patch.diff(dim=-1).flatten(1).std(1) / math.sqrt(2),
    "half-range": lambda patch: (patch.flatten(1).amax(1) - patch.flatten(1).amin(1)) / 2,
}


# One step from nothing to nearly all noise: read between its two times, the table holds every SNR down to 1e-12.
EVERY_SNR = Schedule(torch.tensor([1.0, 1e-12], dtype=torch.float64))


def mix(x0, snr, eps):
    """Pictures x0 (B, ...) behind noise eps, each at its own SNR; snr is (B,), or 0-dim, one for all."""
    if snr.ndim:
        snr = column(snr, x0)  # (B, 1, 1, 1): one number for each picture
    return (snr / (1 + snr)).sqrt() * x0 + (1 / (1 + snr)).sqrt() * eps


def noise_std(patch):
    """The std of the noise in each flat patch: (N, H, W) -> (N,). torch divides by n - 1 by itself."""
    return patch.flatten(1).std(1)


def _mix_cases(generator):
    for slug, shape, dtype in (
        ("own-snr", (6, 1, 5, 4), torch.float64),
        ("square", (4, 3, 4, 4), torch.float64),
        ("float32", (5, 1, 3, 6), torch.float32),
        ("one-snr", (3, 1, 4, 5), torch.float64),
    ):
        x0 = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1).to(dtype)
        dB = 40 * torch.rand(shape[0], generator=generator, dtype=torch.float64) - 20  # SNRs from 0.01 to 100
        snr = (10 ** (dB / 10)).to(dtype)
        yield Case(slug, (x0, snr[0] if slug == "one-snr" else snr, normal(generator, *shape, dtype=dtype)))


def _noise_std_cases(generator):
    for slug, shape, dtype in (
        ("greys", (16, 3, 4), torch.float64),
        ("square", (4, 4, 4), torch.float64),
        ("four-pixels", (5, 2, 2), torch.float64),
        ("float32", (6, 8, 7), torch.float32),
    ):
        grey, std = torch.rand(2, shape[0], 1, 1, generator=generator, dtype=torch.float64)
        yield Case(slug, ((2 * grey - 1 + (0.05 + std) * normal(generator, *shape)).to(dtype),))


def _standardise_cases(generator):
    camera = ((photo("camera") + 1) * 127.5).round().to(torch.uint8)  # (1, 1, 512, 512)
    corners = torch.randint(480, (6, 2), generator=generator).tolist()
    yield Case("photograph", (torch.cat([camera[..., i : i + 32, j : j + 32] for i, j in corners]),))
    each = torch.arange(256)[torch.randperm(256, generator=generator)].to(torch.uint8)
    yield Case("every-byte", (each.reshape(4, 4, 4, 4),))
    dull = torch.randint(110, 145, (3, 3, 6, 5), generator=generator)
    yield Case("dull", (dull.to(torch.uint8),))


def _standardise_picture(case, yours, truth):
    from course.viz import pictures

    rows = [yours[0].float(), truth[0]]
    return pictures(rows, labels=["yours", "right"])


def _stretched(u):
    low, high = u.amin((1, 2, 3), keepdim=True).float(), u.amax((1, 2, 3), keepdim=True).float()
    return 2 * (u - low) / (high - low) - 1


STANDARDISE = {
    "to-one": lambda u: u.float() / 255,
    "half-width": lambda u: u.float() / 255 - 0.5,
    "not-centred": lambda u: u.float() / 127.5,
    "by-128": lambda u: u.float() / 128 - 1,
    "bytes-wrap": lambda u: (u * 2).float() / 255 - 1,
    "each-picture": _stretched,
    "whole-batch": lambda u: 2 * (u.float() - u.min()) / (u.max() - u.min()).float() - 1,
    "mean-and-variance": lambda u: (u.float() - u.float().mean()) / u.float().std(),
}

EXERCISES = (
    Exercise(
        "01-mix",
        truth=lambda x0, snr, eps: q_sample(EVERY_SNR, x0, EVERY_SNR.t_at_sigma(snr.double() ** -0.5), eps),
        cases=_mix_cases,
        mistakes=MIX,
        ours=(mix, column),
    ),
    Exercise("01-noise_std", truth=noise_std, cases=_noise_std_cases, mistakes=NOISE_STD, ours=(noise_std,)),
    Exercise(
        "01-standardise",
        truth=lambda u: as_tensors(u.numpy(), ())[0],
        cases=_standardise_cases,
        mistakes=STANDARDISE,
        ours=(as_tensors,),
        picture=_standardise_picture,
    ),
)
