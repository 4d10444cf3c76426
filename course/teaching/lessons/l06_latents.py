"""Three exercises of lesson 06, from pictures to latents and back: the scale factor, and where it belongs."""

import torch

from course.teaching.exercises.spec import Case, Exercise, normal
from course.teaching.lessons import l06_mistakes as mistakes


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
    for what, size in (("latents, their channels unlike each other", 2.0), ("latents of small std", 0.2)):
        std = torch.tensor([0.5, 1.0, 2.0, 4.0])[torch.randperm(4, generator=generator)]
        mean = 1 + torch.rand(4, generator=generator)
        z = normal(generator, 64, 4, 16, 16, dtype=torch.float32)
        yield Case(what, (size * (z * std[:, None, None] + mean[:, None, None]),))
    z = normal(generator, 256, 4, 8, 8, dtype=torch.float32)
    spread = 0.5 + 3 * torch.rand(256, 1, 1, 1, generator=generator)  # of every picture its own
    yield Case("latents of 256 pictures, some flat, some rich", (spread * z + 1,))


def _factor(generator, large):
    """A factor that is neither near 1 nor near 0.18215."""
    return (1.5 if large else 0.3) + 0.4 * torch.rand((), generator=generator).item()


def _encode_cases(generator):
    for what, shape, large, dtype in (
        ("latents, a factor below 1", (3, 4, 5, 6), False, torch.float64),
        ("as many as channels, rows and columns, a factor above 1", (4, 4, 4, 4), True, torch.float64),
        ("float32", (2, 4, 8, 8), False, torch.float32),
    ):
        mean, noise = normal(generator, 2, *shape, dtype=dtype)
        std = (0.3 + 1.2 * torch.rand(shape, generator=generator, dtype=torch.float64)).to(dtype)
        yield Case(what, (mean, std, noise, _factor(generator, large)))
    mean, std = normal(generator, 2, 2, 4, 3, 3)
    yield Case("noise 0, the mean itself", (mean, std.abs() + 0.1, torch.zeros_like(mean), _factor(generator, True)))


def _decode_cases(generator):
    for what, shape, large, dtype in (
        ("latents, a factor below 1", (3, 4, 5, 6), False, torch.float64),
        ("a factor above 1", (4, 4, 4, 4), True, torch.float64),
        ("float32", (2, 4, 8, 8), False, torch.float32),
    ):
        yield Case(what, (normal(generator, *shape, dtype=dtype), _factor(generator, large)))


SCALE_FACTOR = Exercise(
    "06-scale_factor",
    truth=scale_factor,
    cases=_factor_cases,
    mistakes=mistakes.SCALE_FACTOR,
    ours=(scale_factor,),
)

ENCODE = Exercise(
    "06-encode",
    truth=encode,
    cases=_encode_cases,
    mistakes=mistakes.ENCODE,
    ours=(encode,),
)

DECODE = Exercise(
    "06-decode",
    truth=decode,
    cases=_decode_cases,
    mistakes=mistakes.DECODE,
    ours=(decode,),
)
