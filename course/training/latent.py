"""Trains the small Stable Diffusion, from nothing or on: autoencoder, latents, then text encoder and U-Net on them."""

from dataclasses import dataclass

import torch

from course import scenes
from course.models import as_eps
from course.pipelines import TextToLatent, token_ids
from course.schedules import scaled_linear
from course.training.eps import train
from course.training.loop import device_of, loop


@dataclass(frozen=True, eq=False)
class Latents:
    """Scenes as the autoencoder sees them: mean and std (N, 4, 8, 8), unscaled, and the N Scenes."""

    mean: torch.Tensor
    std: torch.Tensor
    scenes: list


def windows(x, side, generator=None):
    """One window of each picture x (B, C, 64, 64), where things are: (B, C, side, side), its corner a multiple of 8."""
    shown = torch.nn.functional.avg_pool2d(_things(x[:, :3]), side, stride=8)  # (B, 1, K, K)
    chosen = torch.multinomial(shown.flatten(1) + 1e-3, 1, generator=generator)[:, 0]
    rows, columns = 8 * (chosen // shown.shape[-1]), 8 * (chosen % shown.shape[-1])
    corners = zip(rows.tolist(), columns.tolist(), strict=True)
    return torch.stack([part[:, i : i + side, j : j + side] for part, (i, j) in zip(x, corners, strict=True)])


def _things(x):
    """1 where a picture shows a thing, 0 on its ground, which a corner tells: (B, 1, H, W)."""
    return ((x - x[:, :, :1, :1]).abs().sum(1, keepdim=True) > 0.1).float()


def train_autoencoder(vae, steps, batch=16, kl=1e-6, parts=1, **options):
    """Train an AutoencoderKL on fresh scenes: `loop` with its error as the loss; yields Progress. `options` go to it.

    The loss is absolute plus squared error, five times as heavy where a thing is, plus kl times the divergence of the
    latents from N(0, I): mostly ground, a scene would else be learned as its ground. For the same reason the first
    three quarters of the steps see windows of a quarter of the picture, three times as many. Raises Diverged.
    """

    def drawn(k, dice):
        near = k < 0.75 * steps * parts
        x = scenes.draw(scenes.random_scenes(3 * batch if near else batch, generator=dice), dice)
        x = torch.cat([x, 1 + 4 * _things(x)], 1)  # (B, 4, 64, 64): the picture and its weight
        return windows(x, 32, dice) if near else x

    return _train_on(vae, drawn, steps, kl, parts=parts, **options)


def sharpen_autoencoder(vae, steps, batch=8, kl=1e-6, **options):
    """Train a trained AutoencoderKL on, until small shapes can be told apart: yields Progress, as train_autoencoder.

    It sees whole pictures, as its group norms have other statistics on windows; four fifths show two things, half of
    these one inside the other, where shapes are smallest; and an edge between two colours counts fifteen more: the
    shape is in its outline. Raises Diverged.
    """

    def drawn(k, dice):
        x = scenes.draw(_crowded(batch, dice), dice)
        return torch.cat([x, 1 + 4 * _things(x) + 15 * _edges(x)], 1)  # (B, 4, 64, 64)

    return _train_on(vae, drawn, steps, kl, **{"lr": 6e-4} | options)


def _train_on(vae, drawn, steps, kl, **options):
    """The loop of an autoencoder; `drawn(k, dice)` gives pictures and the weight of each pixel, (B, 4, H, W)."""
    device = device_of(vae)

    def loss(vae, k, generator):
        dice = torch.Generator().manual_seed(generator.initial_seed())  # scenes are drawn on the CPU
        x, weight = drawn(k, dice).to(device).split((3, 1), 1)
        q = vae.encode(x).latent_dist
        noise = torch.randn(q.mean.shape, generator=dice).to(device)
        error = vae.decode(q.mean + q.std * noise).sample.float() - x
        return (weight * (error.abs() + error.square())).mean() + kl * q.kl().float().mean()

    usual = {"betas": (0.9, 0.98), "warm_up": 100, "floor": 0.01, "decay": 0.998}
    return loop(vae, loss, steps, **usual | options)


def _crowded(n, generator):
    """n Scenes, round(0.8 n) with two things, half of which show one inside the other."""
    two = scenes.random_scenes(8 * n, things=2, generator=generator)
    inside = [scene for scene in two if scene.relation == "inside"]
    beside = [scene for scene in two if scene.relation != "inside"]
    pairs = round(0.8 * n)
    lone = scenes.random_scenes(n - pairs, things=1, generator=generator)
    return inside[: pairs // 2] + beside[: pairs - pairs // 2] + lone


def _edges(x):
    """1 within a pixel of an edge between two colours of pictures x (B, 3, H, W), else 0: (B, 1, H, W)."""
    pool = torch.nn.functional.max_pool2d
    return ((pool(x, 3, 1, 1) + pool(-x, 3, 1, 1)).amax(1, keepdim=True) > 0.3).float()


def drawn_scenes(n, seed=0, size=250, lone=None):
    """The n scenes that are stored for a seed, `size` at a time: yields (Scenes, the generator that draws them).

    They show one thing or two, equally often; with `lone`, every lone-th lot shows one thing, the others two.
    """
    for k in range(0, n, size):
        generator = torch.Generator().manual_seed((seed + 1) * 2_000_003 + k)
        things = None if lone is None else 1 + (k // size % lone > 0)
        yield scenes.random_scenes(min(size, n - k), things=things, generator=generator), generator


@torch.no_grad()
def encode_scenes(vae, n, seed=0, lone=None):
    """n scenes of `drawn_scenes`, encoded; yields Latents, some hundred scenes at a time."""
    device = next(vae.parameters()).device
    for chosen, generator in drawn_scenes(n, seed, lone=lone):
        q = vae.encode(scenes.draw(chosen, generator).to(device)).latent_dist
        yield Latents(q.mean, q.std, chosen)


def latent_batches(pipe, latents, batch=64, seed=0, empty=0.1):
    """Batches by their number: k -> (z (B, 4, 8, 8) scaled, token ids (B, 77)) from stored latents, each with a wording
    and a draw of its own by (seed, k); a share `empty` of the prompts is ''."""
    device, factor = latents.mean.device, pipe.vae.config.scaling_factor

    def of(k):
        generator = torch.Generator().manual_seed(seed * 3_000_017 + k)
        rows = torch.randint(len(latents.scenes), (batch,), generator=generator)
        drop = torch.rand(batch, generator=generator) < empty
        said = [scenes.wording(latents.scenes[row], generator) for row in rows.tolist()]
        ids = token_ids(pipe, ["" if gone else words for gone, words in zip(drop.tolist(), said, strict=True)])
        noise = torch.randn(batch, *latents.mean.shape[1:], generator=generator).to(device)
        rows = rows.to(device)
        return factor * (latents.mean[rows] + latents.std[rows] * noise), ids.to(device)

    return of


def train_text_to_latent(pipe, latents, steps, batch=64, seed=0, **options):
    """Train text encoder and U-Net of a pipeline on stored latents; yields Progress, whose model's `.net` holds the
    averaged text encoder and U-Net. The network prints v and is judged by its eps, as everywhere in this course."""
    schedule = scaled_linear().to(latents.mean.device)
    model = as_eps(TextToLatent(pipe), schedule, "v")
    usual = {"lr": 1.5e-3, "warm_up": 200, "drop": 0, "seed": seed}
    return train(model, schedule, latent_batches(pipe, latents, batch, seed), steps, **usual | options)
