"""Train what the Further notebooks of lesson 01 show: data/lessons/01-*.safetensors and data/lessons/01.json.

    python tools/lessons/01.py            # all of it, some ten minutes on one core
    python tools/lessons/01.py networks   # the networks alone; or: updates, noise, recipes

The training code stands in the notebooks and nowhere else: its cells are run from here. A file of networks holds five
of each part, trained from five starts, in float16: `PART.weights.K` (5, inputs, outputs) and `PART.biases.K`
(5, 1, outputs) are layer K; between two layers is a ReLU. The sizes of the parts stand in its card, under "parts".
"""

import json
import sys
import time

import nbformat
import torch

from course.env import checkout, seeded
from course.files import write_whole
from course.training.card import Card
from course.training.checkpoints import save

FURTHER, OUT = checkout() / "notebooks/further", checkout() / "data/lessons"
SEED, UPDATES = 1, 1500
SHIPPED = {  # the parts that a lesson or a test asks for; the discriminators of "gan-noise" are asked by nobody
    "gan": ("generator", "discriminator"),
    "gan-noise": ("generator",),
    "vae": ("encoder", "decoder"),
    "diffusion": ("network",),
}


def cell(stem, id):
    """The source of one cell of notebooks/further/STEM.ipynb."""
    notebook = nbformat.read(FURTHER / f"{stem}.ipynb", as_version=4)
    return next(cell.source for cell in notebook.cells if cell.id == id)


def run_cells(stem, *ids):
    """Run some code cells of notebooks/further/STEM.ipynb, in order, and return the names that they leave."""
    names = {}
    for id in ids:
        exec(compile(cell(stem, id), id, "exec"), names)
    return names


def gan_vae():
    """The names of the notebook on GAN, VAE and diffusion, without its runs."""
    ids = ("imports", "ring", "networks", "optimisers", "trained", "gan", "vae", "diffusion", "sampler")
    names = run_cells("01_gan_vae", *ids)
    names["TRAIN"] = {
        "gan": names["train_gan"],
        "gan-noise": lambda updates, seed: names["train_gan"](updates, seed, noise_std=1.0),
        "vae": names["train_vae"],
        "diffusion": names["train_diffusion"],
    }
    return names


def networks():
    """The networks of every model, written to their files."""
    names = gan_vae()
    for name, parts in SHIPPED.items():
        begin = time.perf_counter()
        made = names["TRAIN"][name](UPDATES, SEED)
        seconds = round(time.perf_counter() - begin, 1)
        tensors = {f"{part}.{key}": x.half() for part in parts for key, x in made[part].state_dict().items()}
        sizes = {part: [made[part].weights[0].shape[1], *(w.shape[2] for w in made[part].weights)] for part in parts}
        card = Card(
            net={"kind": "Networks", "count": names["SEEDS"], "parts": sizes},
            prints="v" if name == "diffusion" else None,
            shape=(2,),
            data="ring of eight blobs, radius 2, std 0.15",
            recipe={"steps": UPDATES, "batch": names["BATCH"], "seed": SEED},
            seconds=seconds,
            device="cpu",
            threads=1,
            torch=torch.__version__,
            note=f"trained by the cells of notebooks/further/01_gan_vae.ipynb; {name}, five starts side by side",
        )
        save(OUT / f"01-{name}.safetensors", tensors, card)
        print(name, seconds, "seconds", flush=True)


def points(names, name, made, codes):
    """What a model makes of codes (SEEDS, n, 2)."""
    if name == "diffusion":
        return names["denoised"](codes, made["network"], 50)
    with torch.no_grad():
        return made["decoder" if name == "vae" else "generator"](codes)


def measured(names, name, updates, seed):
    """Blobs hit, share inside, unevenness of five trainings: a dict of lists."""
    codes = torch.randn(names["SEEDS"], 2000, 2, generator=seeded(2))
    counts = names["count_blobs"](points(names, name, names["TRAIN"][name](updates, seed), codes))
    return dict(zip(("hit", "inside", "uneven"), ([round(x, 4) for x in row.tolist()] for row in counts), strict=True))


def updates():
    """All three models after 800, 1,500 and 6,000 updates."""
    names, found = gan_vae(), {}
    for name in ("gan", "vae", "diffusion"):
        found[name] = {count: measured(names, name, count, SEED) for count in (800, UPDATES, 6000)}
        print(name, found[name], flush=True)
    return found


def noise():
    """Fifteen GANs without and with noise before the discriminator, from three seeds."""
    names, found = gan_vae(), {}
    for name in ("gan", "gan-noise"):
        runs = [measured(names, name, UPDATES, seed) for seed in (1, 2, 3)]
        found[name] = {key: [x for run in runs for x in run[key]] for key in runs[0]}
        print(name, found[name], flush=True)
    return found


def recipes():
    """What fresh noise gains a classifier, in several recipes: name, gain of each draw."""
    names = run_cells("01_noise_and_learning", "imports", "helpers", "networks", "learn-run", "recipes")
    return names["recipe_gains"]()


STORED = {"updates": updates, "noise": noise, "recipes": recipes}


def main(chosen):
    """Make what was chosen, or all."""
    torch.set_num_threads(1)
    if "networks" in chosen:
        networks()
    place = OUT / "01.json"
    found = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    for name in STORED.keys() & chosen:
        found[name] = STORED[name]()
        write_whole(place, json.dumps(dict(sorted(found.items()))) + "\n")


if __name__ == "__main__":
    main(set(sys.argv[1:]) or {"networks", *STORED})
