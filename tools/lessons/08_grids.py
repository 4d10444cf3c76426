"""The title picture of lesson 08, and its grids with few calls.

python tools/lessons/08_grids.py title   # into the notebook
python tools/lessons/08_grids.py grids   # grids with few calls, into data/lessons/08.json: two minutes of one CPU thread
"""

import json
import sys
from itertools import pairwise

import torch
from PIL import Image, ImageDraw, ImageFont
from title import put

from course import pretrained
from course.data import load
from course.env import checkout, seeded, threads
from course.files import write_whole
from course.forward import convert, level, reframe
from course.metrics import frechet, pca
from course.samplers import ddim, last
from course.schedules import linear
from course.training.checkpoints import classifier
from course.viz import grid_image

LESSON = checkout() / "notebooks/08_score_sde_flow.ipynb"
OUT = checkout() / "data/lessons/08.json"
MARGIN = 250  # pixels left of the title picture, for the names of its rows
SHIFTS = (0.5, 1.0, 2.0, 3.5, 7.0)
CALLS, SEEDS = 5, (1, 2, 3)
schedule = linear()


@torch.no_grad()
def sampled(step, x, grid):
    """From x (B, ...) down the grid by `step(u, sigma, next sigma, eps)`, the formula of one paper, in u."""
    model, _, _ = pretrained("digits")
    u = reframe(x, schedule.sigma(grid[0]), "x", "u")
    for t, s in pairwise(grid):
        p, q = schedule.sigma(t), schedule.sigma(s)
        u = step(u, p, q, model(reframe(u, p, "u", "x"), t.expand(len(u))))
    return u


def by_ddim(u, p, q, eps):
    """DDIM: guess the image, mix it with the same noise."""
    a, b = level(p, "sigma", "alpha_bar"), level(q, "sigma", "alpha_bar")
    x0 = (reframe(u, p, "u", "x") - (1 - a).sqrt() * eps) / a.sqrt()
    return (b.sqrt() * x0 + (1 - b).sqrt() * eps) / b.sqrt()


def by_ve(u, p, q, eps):
    """The probability flow ODE of the VE SDE, by Euler's method in sigma."""
    return u + (q - p) * -p * (-eps / p)


def by_edm(u, p, q, eps):
    """EDM: the slope is (u - D) / sigma, D the denoised image."""
    return u + (q - p) * (u - (u - p * eps)) / p


def by_flow(u, p, q, eps):
    """Flow matching, by Euler's method in s."""
    s, end = level(p, "sigma", "s"), level(q, "sigma", "s")
    velocity = convert(schedule, reframe(u, p, "u", "x"), schedule.t_at_sigma(p), eps, "eps", "velocity")
    return ((1 - s) * u + (end - s) * velocity) / (1 - end)


PAPERS = {
    "DDIM, 2020": by_ddim,
    "score SDE (VE), 2021": by_ve,
    "EDM, 2022": by_edm,
    "flow matching, 2022": by_flow,
}


def hook():
    """The wall of the title, four formulas from the same eight noises, as a PIL image; and how far rows differ."""
    x_T = torch.randn(8, 1, 8, 8, generator=seeded(19))
    walks = [sampled(step, x_T, schedule.grid(50)) for step in PAPERS.values()]
    print("largest difference of a pixel:", max((walk - walks[0]).abs().max().item() for walk in walks))
    wall = grid_image(torch.cat(walks), columns=8, scale=8)
    image = Image.new("RGB", (MARGIN + wall.width, wall.height), "white")
    image.paste(wall, (MARGIN, 0))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(20)
    for row, name in enumerate(PAPERS):
        draw.text((MARGIN - 12, 72 * row + 32), name, "black", font, anchor="rm")
    return image


@torch.no_grad()
def few_calls(name, features, real, shape, n):
    """The Frechet distance with few calls on grids even in s, shifted, over that even in t: a mean for each shift."""
    model, _, _ = pretrained(name)
    grids = [schedule.grid(CALLS), *(schedule.flow_grid(CALLS, shift) for shift in SHIFTS)]
    found = torch.zeros(len(grids), dtype=torch.float64)
    for seed in SEEDS:
        x_T = torch.randn(n, *shape, generator=seeded(seed))
        for k, grid in enumerate(grids):
            x = torch.cat([last(ddim(model, schedule, part, grid)) for part in x_T.split(125)])
            found[k] += frechet(features(x), real) / len(SEEDS)
    return [round(value, 3) for value in (found[1:] / found[0]).tolist()]


def grids():
    """What the lesson shows of the two data sets."""
    train, _ = load("digits", "train")
    look, ratio = pca(train, 16), {}
    ratio["digits"] = few_calls("digits", look, look(train), (1, 8, 8), 500)
    real, (judge, _) = load("mnist_mini")[0], classifier("mnist")

    def features(x):
        return torch.cat([judge.features(part) for part in x.split(100)])

    with torch.no_grad():
        seen = features(real)
        axes = torch.linalg.svd(seen - seen.mean(0), full_matrices=False).Vh[:16].T  # (128, 16)
    ratio["MNIST"] = few_calls("mnist", lambda x: features(x) @ axes, seen @ axes, (1, 28, 28), 250)
    return {"calls": CALLS, "seeds": list(SEEDS), "shift": list(SHIFTS), "ratio": ratio}


if __name__ == "__main__":
    threads(1)
    if sys.argv[1:] == ["title"]:
        put(LESSON, "hook.png", hook())
    elif sys.argv[1:] == ["grids"]:
        known = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
        write_whole(OUT, json.dumps(known | {"grids": grids()}, indent=1) + "\n")
    else:
        sys.exit(__doc__)
