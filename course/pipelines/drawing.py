"""Pictures by a pipeline of Stable Diffusion, as lesson 06 asks for them: one seed a picture, tensors in [-1, 1]."""

from statistics import fmean

import torch

from course.env import seeded
from course.pipelines.tiny_sd import token_ids
from course.scenes import compare, describe, parse


@torch.no_grad()
def embed(pipe, prompts):
    """Prompts as the U-Net gets them: (B, 77, width)."""
    return pipe.text_encoder(token_ids(pipe, prompts).to(pipe.device))[0]


def paint(pipe, prompts, seed=0, scale=4.0, steps=10, **options):
    """An image for each prompt, by the library: (B, 3, H, W) in [-1, 1], or latents with output_type="latent".

    Image k has the seed `seed + k`, so it does not depend on how many are drawn with it. `options` go to the pipeline;
    given prompt_embeds, the prompts are only counted.
    """
    if "prompt_embeds" not in options:
        options["prompt"] = list(prompts)
    settings = {"guidance_scale": scale, "num_inference_steps": steps, "output_type": "pt"} | options
    drawn = pipe(generator=[seeded(seed + k) for k in range(len(prompts))], **settings).images
    return drawn if settings["output_type"] == "latent" else drawn.float() * 2 - 1


@torch.no_grad()
def decoded(pipe, z):
    """Latents as the decoder expects them -> images (B, 3, H, W) in [-1, 1]."""
    return pipe.vae.decode(z.to(pipe.vae.dtype)).sample.float().clamp(-1, 1)


def obeyed(prompts, x, what=None):
    """The share of images x (B, 3, 64, 64) of scenes that show what was asked: all of it, or one attribute such as
    "background". Raises ValueError for a prompt that names no scene."""
    found = [compare(parse(prompt), seen) for prompt, seen in zip(prompts, describe(x), strict=True)]
    return fmean(all(f.values()) if what is None else f[what] for f in found)
