"""The exercises of lesson 01, pictures and noise: their truths, their inputs, and their pictures."""

import torch

from course.data.sets import as_tensors, photo
from course.forward import q_sample
from course.schedules import Schedule
from course.teaching.exercises.spec import Case, Exercise, Mistake, column, normal
from course.teaching.lessons.l01_mistakes import MIX, NOISE_STD

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
    for what, shape, dtype in (
        ("an SNR for each picture, float64", (6, 1, 5, 4), torch.float64),
        ("as many pictures as they are wide", (4, 3, 4, 4), torch.float64),
        ("float32", (5, 1, 3, 6), torch.float32),
        ("one SNR for all, 0-dim", (3, 1, 4, 5), torch.float64),
    ):
        x0 = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1).to(dtype)
        dB = 40 * torch.rand(shape[0], generator=generator, dtype=torch.float64) - 20  # SNRs from 0.01 to 100
        snr = (10 ** (dB / 10)).to(dtype)
        yield Case(what, (x0, snr[0] if "0-dim" in what else snr, normal(generator, *shape, dtype=dtype)))


def _noise_std_cases(generator):
    for what, shape, dtype in (
        ("patches of different greys, float64", (16, 3, 4), torch.float64),
        ("as many patches as they are high and wide", (4, 4, 4), torch.float64),
        ("patches of four pixels", (5, 2, 2), torch.float64),
        ("float32", (6, 8, 7), torch.float32),
    ):
        grey, std = torch.rand(2, shape[0], 1, 1, generator=generator, dtype=torch.float64)
        yield Case(what, ((2 * grey - 1 + (0.05 + std) * normal(generator, *shape)).to(dtype),))


def _standardise_cases(generator):
    camera = ((photo("camera") + 1) * 127.5).round().to(torch.uint8)  # (1, 1, 512, 512)
    corners = torch.randint(480, (6, 2), generator=generator).tolist()
    yield Case("parts of a photograph", (torch.cat([camera[..., i : i + 32, j : j + 32] for i, j in corners]),))
    each = torch.arange(256)[torch.randperm(256, generator=generator)].to(torch.uint8)
    yield Case("every byte once", (each.reshape(4, 4, 4, 4),))
    dull = torch.randint(110, 145, (3, 3, 6, 5), generator=generator)
    yield Case("dull pictures in colour, bytes from 110 to 144", (dull.to(torch.uint8),))


def _standardise_picture(case, yours, truth):
    from course.viz import pictures

    rows = [yours[0].float(), truth[0]]
    return pictures(rows, labels=["yours", "right"], title="Shown from -1, black, to 1, white: the rows should agree")


def _stretched(u):
    low, high = u.amin((1, 2, 3), keepdim=True).float(), u.amax((1, 2, 3), keepdim=True).float()
    return 2 * (u - low) / (high - low) - 1


STANDARDISE = (
    Mistake(
        "You end in [0, 1]: half the contrast, a quarter of the SNR.",
        "Where does black go, and where should it?",
        "From [0, 1] to [-1, 1] it is still times 2, less 1.",
        lambda u: u.float() / 255,
    ),
    Mistake(
        "You end in [-0.5, 0.5]: centred, but half as wide as asked.",
        "Where does white go, and where should it?",
        "Multiply by 2; or divide the bytes by 127.5 and subtract 1.",
        lambda u: u.float() / 255 - 0.5,
    ),
    Mistake(
        "You end in [0, 2]: as wide as asked, but not centred.",
        "Where does black go, and where should it?",
        "Subtract 1, so that 0 becomes -1 and 255 becomes 1.",
        lambda u: u.float() / 127.5,
    ),
    Mistake(
        "You divide by 128, and white becomes 0.992.",
        "The byte 255 should become 1 exactly.",
        "The way from 0 to 255 is 255 long, and half of it is 127.5.",
        lambda u: u.float() / 128 - 1,
    ),
    Mistake(
        "You multiply while the numbers are still bytes, which wrap around at 256: bright pixels turn dark.",
        "What is 200 * 2 as uint8?",
        "Call .float() first, then calculate.",
        lambda u: (u * 2).float() / 255 - 1,
    ),
    Mistake(
        "You stretch each picture by its own darkest and brightest pixel, so that equal bytes get different values.",
        "A dull picture should stay dull.",
        "Use the range of all bytes, 0 to 255, and not the one that occurs.",
        _stretched,
    ),
    Mistake(
        "You stretch by the darkest and the brightest pixel of the batch, so that a value depends on its neighbours.",
        "A dull picture should stay dull.",
        "Use the range of all bytes, 0 to 255, and not the one that occurs.",
        lambda u: 2 * (u.float() - u.min()) / (u.max() - u.min()).float() - 1,
    ),
    Mistake(
        "You bring the pictures to mean 0 and variance 1, which are not in [-1, 1]: nothing tells where white is.",
        "The byte 255 should become 1 in whichever picture it stands.",
        "Use two fixed numbers: divide by 127.5 and subtract 1.",
        lambda u: (u.float() - u.float().mean()) / u.float().std(),
    ),
)

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
