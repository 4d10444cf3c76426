"""Lesson 06: the number that latents are scaled by, into latents, and out of them."""

import torch

from course.teaching.exercises.spec import Case, Exercise, normal

SD = 0.18215  # the factor of Stable Diffusion 1 and 2, that of their own latents


def scale_factor(z):
    """The number that gives latents z (N, C, h, w) a std of one, 0-dim: one std over all that they hold."""
    return 1 / z.std()


def encode(mean, std, noise, factor):
    """Latents as the U-Net knows them, from what the encoder says of a picture: a draw, then the scale."""
    return (mean + std * noise) * factor


def decode(z, factor):
    """Latents as the decoder knows them, from those of the U-Net."""
    return z / factor


def _factor_cases(generator):
    """So many numbers that n and n - 1 in the std are the same, and a different std and mean in every channel."""
    for slug, size in (("unlike-channels", 2.0), ("small-std", 0.2)):
        std = torch.tensor([0.5, 1.0, 2.0, 4.0])[torch.randperm(4, generator=generator)]
        mean = 1 + torch.rand(4, generator=generator)
        z = normal(generator, 64, 4, 16, 16, dtype=torch.float32)
        yield Case(slug, (size * (z * std[:, None, None] + mean[:, None, None]),))
    z = normal(generator, 256, 4, 8, 8, dtype=torch.float32)
    spread = 0.5 + 3 * torch.rand(256, 1, 1, 1, generator=generator)  # of every picture its own
    yield Case("unlike-pictures", (spread * z + 1,))


def _factor(generator, large):
    """A factor that is neither near 1 nor near SD's."""
    return (1.5 if large else 0.3) + 0.4 * torch.rand((), generator=generator).item()


SHAPES = (
    ("latents", (3, 4, 5, 6), False, torch.float64),
    ("square", (4, 4, 4, 4), True, torch.float64),
    ("float32", (2, 4, 8, 8), False, torch.float32),
)


def _encode_cases(generator):
    for slug, shape, large, dtype in SHAPES:
        mean, noise = normal(generator, 2, *shape, dtype=dtype)
        std = (0.3 + 1.2 * torch.rand(shape, generator=generator, dtype=torch.float64)).to(dtype)
        yield Case(slug, (mean, std, noise, _factor(generator, large)))
    mean, std = normal(generator, 2, 2, 4, 3, 3)
    yield Case("no-noise", (mean, std.abs() + 0.1, torch.zeros_like(mean), _factor(generator, True)))


def _decode_cases(generator):
    for slug, shape, large, dtype in SHAPES:
        yield Case(slug, (normal(generator, *shape, dtype=dtype), _factor(generator, large)))


def _encode(drawn=lambda mean, std, noise: mean + std * noise, scaled=lambda z, factor: z * factor):
    """my_encode with one part exchanged."""
    return lambda mean, std, noise, factor: scaled(drawn(mean, std, noise), factor)


SCALE_FACTOR = Exercise(
    "06-scale_factor",
    truth=scale_factor,
    cases=_factor_cases,
    mistakes={
        "spread": lambda z: z.std(),
        "variance": lambda z: 1 / z.var(),
        "root-mean-square": lambda z: 1 / z.square().mean().sqrt(),
        "each-channel": lambda z: 1 / z.std((0, 2, 3)),
        "mean-of-channels": lambda z: (1 / z.std((0, 2, 3))).mean(),
        "mean-of-pictures": lambda z: 1 / z.std((1, 2, 3)).mean(),
        "largest": lambda z: 1 / z.abs().max(),
        "fixed": lambda z: SD,
    },
    ours=(scale_factor,),
)

ENCODE = Exercise(
    "06-encode",
    truth=encode,
    cases=_encode_cases,
    mistakes={
        "divided": _encode(scaled=lambda z, factor: z / factor),
        "no-factor": _encode(scaled=lambda z, factor: z),
        "mean-alone": _encode(lambda mean, std, noise: mean),
        "std-squared": _encode(lambda mean, std, noise: mean + std**2 * noise),
        "std-root": _encode(lambda mean, std, noise: mean + std.sqrt() * noise),
        "noise-scaled-only": lambda mean, std, noise, factor: mean + std * noise * factor,
        "mean-scaled-only": lambda mean, std, noise, factor: mean * factor + std * noise,
        "no-std": _encode(lambda mean, std, noise: mean + noise),
        "log-variance": _encode(lambda mean, std, noise: mean + (std / 2).exp() * noise),
    },
    ours=(encode,),
)

DECODE = Exercise(
    "06-decode",
    truth=decode,
    cases=_decode_cases,
    mistakes={
        "multiplied": lambda z, factor: z * factor,
        "unchanged": lambda z, factor: z,
        "divided-twice": lambda z, factor: z / factor**2,
        "fixed": lambda z, factor: z / SD,
        "to-pixels": lambda z, factor: (z / factor / 2 + 0.5).clamp(0, 1),
    },
    ours=(decode,),
)
