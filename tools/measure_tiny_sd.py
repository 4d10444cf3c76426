"""Measure a small Stable Diffusion, the pipeline in a folder, and write what was found into the card that lies there.

python tools/measure_tiny_sd.py data/tiny-sd [prompts]

Prompts are drawn at random, one or two things, from the combinations that training shows and from those that it never
shows; every picture is read back by `scenes.describe`, and counts as right where all that was asked is there. The best
scale is chosen on 200 other prompts. Intervals are Wilson's, 95 %.
"""

import sys
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from scipy.stats import binomtest

from course.env import seeded, threads
from course.files import write_whole
from course.scenes import compare, describe, draw, random_scenes

STEPS, USUAL, SCALES = 25, 7.5, (1.5, 2.0, 3.0, 4.0, 5.0)
HEAD = "\n## What it can do"


def right(pipe, n, scale, unseen, things, seed):
    """For n prompts, what is right in the picture of each: a list of dictionaries."""
    asked, found = random_scenes(n, unseen, things, seeded(seed)), []
    for begin in range(0, n, 50):
        part = asked[begin : begin + 50]
        dice = [seeded(seed + begin + k) for k in range(len(part))]
        settings = {"guidance_scale": scale, "num_inference_steps": STEPS, "output_type": "pt", "generator": dice}
        pictures = pipe([str(scene) for scene in part], **settings).images * 2 - 1
        found += [compare(a, b) for a, b in zip(part, describe(pictures), strict=True)]
    return found


def share(flags):
    """A share and its interval, in per cent."""
    flags = list(flags)
    interval = binomtest(sum(flags), len(flags)).proportion_ci(method="wilson")
    return f"{100 * sum(flags) / len(flags):.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def psnr(pipe, n=1000):
    """How well the autoencoder gives pictures back, in dB over all pixels of n pictures of one or two things."""
    x = draw(random_scenes(n, generator=seeded(7)), seeded(8))
    with torch.no_grad():
        back = torch.cat([pipe.vae.decode(pipe.vae.encode(part).latent_dist.mean).sample for part in x.split(100)])
    return -10 * ((back.clamp(-1, 1) - x) / 2).square().mean().log10().item()


def main(folder, n=1000):
    threads(1)
    began = time.perf_counter()
    pipe = StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True).to(torch.float32)
    pipe.set_progress_bar_config(disable=True)
    loading = time.perf_counter() - began
    began = time.perf_counter()
    pipe(str(random_scenes(1, generator=seeded(0))[0]), num_inference_steps=STEPS)
    one = time.perf_counter() - began
    tried = {s: sum(all(f.values()) for f in right(pipe, 200, s, False, 2, 50_000)) for s in SCALES}
    best = max(tried, key=tried.get)
    print(f"tried on 200 prompts of two things: {tried}", flush=True)
    parts = ("size", "colour", "shape", "background", "relation")
    lines = [f"| prompts | scale | all right, % | {' | '.join(parts)} |", "|---" * 8 + "|"]
    for scale in (1.0, best, USUAL):
        for things, unseen in ((1, False), (1, True), (2, False), (2, True)):
            found = right(pipe, n, scale, unseen, things, 100_000)
            each = [f"{100 * sum(f[p] for f in found) / n:.1f}" if p in found[0] else "" for p in parts]
            what = f"{('one thing', 'two things')[things - 1]}, {'never trained' if unseen else 'as trained'}"
            lines.append(f"| {what} | {scale:g} | {share(all(f.values()) for f in found)} | {' | '.join(each)} |")
            print(lines[-1], flush=True)
    card = Path(folder) / "README.md"
    text = card.read_text(encoding="utf-8").split(HEAD)[0].rstrip() + "\n" + HEAD
    table = "\n".join(lines)
    text += f"""

Counted by `python tools/measure_tiny_sd.py`, {n:,} prompts a row, {STEPS} steps of DDIM, with 95 % intervals. "Never
trained" are combinations of shape and colour that no picture of the training shows. {best:g} was the best of
{", ".join(f"{s:g}" for s in SCALES)} on 200
other prompts of two things; 1 is no guidance, {USUAL} is what diffusers takes when nothing is said.

{table}

The autoencoder gives pictures back at {psnr(pipe):.1f} dB. On one thread of an x86_64 processor loading took
{loading:.1f} s, the imports of diffusers included, and one picture of {STEPS} steps {one:.1f} s.
"""
    write_whole(card, text)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
