"""`python -m course train-latent`: the small Stable Diffusion from nothing, in a folder it can be resumed from."""

import json
from pathlib import Path

from course.commands import UserError, number, usable_device, whole_number, write_out

# On one thread of a laptop's processor: 70 minutes for the autoencoder, 6 for the latents, 90 for the rest.
RECIPE = {"autoencoder_steps": 15_000, "latents": 80_000, "steps": 10_000}
# From the weights of a pipeline: 25 minutes, 6 and 50; of four scenes three show two things.
ONWARDS = {"autoencoder_steps": 4_500, "latents": 90_000, "steps": 5_000}
LONE = 4


def add_to(commands):
    """Add `train-latent` to the commands of the parser."""
    train = commands.add_parser(
        "train-latent",
        help="train the small Stable Diffusion of lesson 06",
        description="Train an autoencoder on scenes, store their latents, and train text encoder and U-Net on them. "
        "Killed at any moment, the run goes on from its last checkpoint with --resume. At the end the folder holds "
        "pipeline/, which diffusers loads.",
        epilog="example: python -m course train-latent --out runs/tiny-sd",
    )
    train.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where checkpoints and pipeline go")
    train.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    train.add_argument(
        "--begin", type=Path, metavar="PIPELINE", help="train the weights in this folder on, not new ones"
    )
    for name, most in (("autoencoder-steps", 10**7), ("latents", 10**7), ("steps", 10**8)):
        usual = RECIPE[name.replace("-", "_")]
        on = ONWARDS[name.replace("-", "_")]
        train.add_argument(f"--{name}", type=whole_number(1, most), help=f"default {usual:,}, or {on:,} with --begin")
    train.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: COURSE_DEVICE, or a GPU where there is one)")
    train.add_argument("--precision", choices=("float32", "bfloat16"), help="of the autoencoder; default: the fastest")
    train.add_argument("--seed", type=whole_number(0, 2**31 - 1), help="default 0")
    train.add_argument("--every", type=number(0.01, 1e4), default=5.0, metavar="MINUTES", help="between checkpoints")
    train.set_defaults(main=main)


def main(chosen):
    """Train to the end, or on to it. Raises UserError for a wrong use, a damaged run, divergence, a full disk."""
    from course.training.checkpoints import CheckpointError
    from course.training.loop import Diverged

    device = usable_device(chosen.device)
    try:
        return _go(chosen.out, _recipe(chosen, device), device, chosen.every)
    except (Diverged, CheckpointError) as error:
        raise UserError(f"training stopped: {error}") from error
    except BrokenPipeError:  # no file of ours: the reader of what is printed has gone
        raise
    except OSError as error:
        raise UserError(f"cannot write to {chosen.out}: {error.strerror or error}") from error


def _recipe(chosen, device):
    """The recipe of the run: a new one from the options, or the one in the folder, which the options must not touch."""
    from course import env
    from course.training.run import PLAN

    place, before = chosen.out / PLAN, chosen.out / "recipe.json"  # its name in version 0.1
    wishes = {name: getattr(chosen, name) for name in (*RECIPE, "precision", "seed")}
    if chosen.resume:
        if any(wish is not None for wish in (*wishes.values(), chosen.begin)):
            raise UserError("the recipe was settled when the run began; leave its options away beside --resume", code=2)
        try:
            found = json.loads((place if place.exists() else before).read_text(encoding="utf-8"))
            return {name: found[name] for name in wishes} | {"begin": found.get("begin")}
        except (OSError, ValueError, KeyError, TypeError) as error:  # another command's plan has other names
            raise UserError(f"{chosen.out} holds no run in training, so there is nothing to resume") from error
    if place.exists() or before.exists():
        raise UserError(f"{chosen.out} holds a run already; --resume goes on with it, or choose another folder")
    steps = RECIPE if chosen.begin is None else ONWARDS
    usual = steps | {"precision": str(env.precision(device)).removeprefix("torch."), "seed": 0}
    recipe = {name: usual[name] if wish is None else wish for name, wish in wishes.items()}
    recipe["begin"] = chosen.begin and str(chosen.begin.resolve())
    chosen.out.mkdir(parents=True, exist_ok=True)
    write_out(place, json.dumps(recipe) + "\n")
    return recipe


def _go(out, recipe, device, minutes):
    """Autoencoder, latents, text encoder and U-Net, pipeline, in the folder `out`; checkpoints every `minutes`.

    Each stage saves as it goes, and is skipped where its result lies in the folder.
    """
    import torch

    from course.pipelines import tiny_sd as latent

    if (out / "pipeline").exists():
        raise UserError(f"{out} has its pipeline already")
    torch.manual_seed(recipe["seed"])
    pipe = latent.build() if recipe["begin"] is None else _begun(recipe["begin"])
    seconds = {"autoencoder": _autoencoder(out, recipe, pipe.vae.to(device), minutes)}
    stored = _latents(out, recipe, pipe.vae, device)
    pipe.vae.register_to_config(scaling_factor=round(1 / stored.mean.std().item(), 5))
    seconds["text encoder and U-Net"] = _text_to_latent(out, recipe, pipe, stored, device, minutes)
    latent.save(pipe.to("cpu"), out / "pipeline", _card(recipe, seconds, device))
    print(f"{out / 'pipeline'}: a pipeline that diffusers loads")
    return 0


def _begun(folder):
    """The pipeline in a folder, in float32, its weights to be trained. Raises UserError."""
    from course.pipelines.tiny_sd import trainable

    try:
        return trainable(folder)
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise UserError(f"{folder} holds no pipeline to begin with: {said}") from error


def _followed(what, place, training, steps, minutes):
    """Run a training to its end, with a bar and checkpoints: (averaged model, seconds)."""
    from tqdm import tqdm

    from course.training.card import Card
    from course.training.checkpoints import save
    from course.training.run import kept

    def keep(progress):
        save(place, progress.state(), Card(step=progress.step, seconds=round(progress.seconds, 1)))

    with tqdm(total=steps, desc=what, unit="step", mininterval=0.5) as bar:
        for progress in kept(training, steps, minutes, keep):
            bar.update(progress.step - bar.n)
            bar.set_postfix_str(f"loss {progress.loss:.4f}")
    return progress.ema, progress.seconds


def _state(place):
    """The state in a checkpoint, or None where there is none yet."""
    from course.training.checkpoints import read

    return read(place)[0] if place.exists() else None


def _finished(state, net, steps):
    """The seconds behind a state that is at its last step, its average now in the network; else None."""
    if state is None or int(state["step"]) < steps:
        return None
    net.load_state_dict({name[4:]: x for name, x in state.items() if name.startswith("ema.")})
    return float(state["seconds"])


def _autoencoder(out, recipe, vae, minutes):
    import torch

    from course.training.latent import sharpen_autoencoder, train_autoencoder

    place, steps = out / "autoencoder.safetensors", recipe["autoencoder_steps"]
    state = _state(place)
    seconds = _finished(state, vae, steps)
    if seconds is None:
        precision = getattr(torch, recipe["precision"])
        train = train_autoencoder if recipe["begin"] is None else sharpen_autoencoder
        training = train(vae, steps, seed=recipe["seed"], precision=precision, state=state, every=10)
        average, seconds = _followed("autoencoder", place, training, steps, minutes)
        vae.load_state_dict(average.state_dict())
    vae.eval().requires_grad_(False)
    return seconds


def _latents(out, recipe, vae, device):
    """The stored latents: from the folder, or drawn and encoded now."""
    import torch
    from tqdm import tqdm

    from course.training.card import Card
    from course.training.checkpoints import read, save
    from course.training.latent import Latents, drawn_scenes, encode_scenes

    place, n, seed = out / "latents.safetensors", recipe["latents"], recipe["seed"]
    lone = None if recipe["begin"] is None else LONE
    if place.exists():
        tensors = read(place)[0]
        scenes = [scene for some, _ in drawn_scenes(n, seed, lone=lone) for scene in some]
    else:
        parts, bar = [], tqdm(total=n, desc="latents", unit="scene", mininterval=0.5)
        with bar:
            for part in encode_scenes(vae, n, seed, lone):
                parts.append(part)
                bar.update(len(part.scenes))
        tensors = {name: torch.cat([getattr(part, name) for part in parts]).cpu() for name in ("mean", "std")}
        scenes = [scene for part in parts for scene in part.scenes]
        save(place, tensors, Card(recipe={"latents": n}))
    return Latents(tensors["mean"].to(device), tensors["std"].to(device), scenes)


def _text_to_latent(out, recipe, pipe, stored, device, minutes):
    from course.pipelines import TextToLatent
    from course.training.latent import train_text_to_latent

    place, steps = out / "text-to-latent.safetensors", recipe["steps"]
    pipe.unet.to(device)
    pipe.text_encoder.to(device)
    net, state = TextToLatent(pipe), _state(place)
    seconds = _finished(state, net, steps)
    if seconds is None:
        gently = {} if recipe["begin"] is None else {"lr": 7e-4, "warm_up": 300}
        training = train_text_to_latent(pipe, stored, steps, seed=recipe["seed"], state=state, **gently)
        average, seconds = _followed("text encoder and U-Net", place, training, steps, minutes)
        net.load_state_dict(average.net.state_dict())
    net.eval().requires_grad_(False)
    return seconds


def _card(recipe, seconds, device):
    """What the pipeline is, how it was made, and what it may be used for, in Markdown."""
    import torch

    from course import env

    where = env.machine(device)
    times = "\n".join(f"- {stage}: {time:.0f} s" for stage, time in seconds.items())
    settings = "\n".join(f"- {name}: {value}" for name, value in recipe.items())
    return f"""---
license: mit
pipeline_tag: text-to-image
---
# tiny-sd

A latent text-to-image diffusion model small enough to take apart on a laptop: `AutoencoderKL`, `CLIPTextModel` and
`UNet2DConditionModel` with small configurations, trained from nothing on scenes that `course.scenes` draws: one or two
coloured shapes on a plain ground. It knows the words of those scenes and nothing else of the world.

Training, on {where}, {torch.get_num_threads()} threads, torch {torch.__version__}:

{settings}
{times}

It was made for teaching: the same classes, the same loop and the same faults as in Stable Diffusion, whose weights are
none of these.
"""
