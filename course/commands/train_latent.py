"""`python -m course train-latent`: the small Stable Diffusion from nothing, in a folder it can be resumed from."""

from pathlib import Path

from course.commands import UserError, number, usable_device, whole_number

# On one thread of a laptop's processor: 70 minutes for the autoencoder, 6 for the latents, 90 for the rest.
RECIPE = {"autoencoder_steps": 15_000, "latents": 80_000, "steps": 10_000}


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
    for name, most in (("autoencoder-steps", 10**7), ("latents", 10**7), ("steps", 10**8)):
        usual = RECIPE[name.replace("-", "_")]
        train.add_argument(f"--{name}", type=whole_number(1, most), help=f"default {usual:,}")
    train.add_argument("--device", help="cpu, cuda, cuda:1 (default: a GPU where there is one)")
    train.add_argument("--precision", choices=("float32", "bfloat16"), help="of the autoencoder; default: the fastest")
    train.add_argument("--seed", type=whole_number(0, 2**31 - 1), help="default 0")
    train.add_argument("--every", type=number(0.01, 1e4), default=5.0, metavar="MINUTES", help="between checkpoints")
    train.set_defaults(main=main)


def main(chosen):
    """Train to the end, or on to it. Raises UserError for a wrong use, a damaged run, divergence, a full disk."""
    from course.commands.latent_training import go
    from course.training.checkpoints import CheckpointError
    from course.training.loop import Diverged

    device = usable_device(chosen.device)
    try:
        return go(chosen.out, _recipe(chosen, device), device, chosen.every)
    except (Diverged, CheckpointError) as error:
        raise UserError(f"training stopped: {error}") from error
    except OSError as error:
        raise UserError(f"cannot write to {chosen.out}: {error.strerror or error}") from error


def _recipe(chosen, device):
    """The recipe of the run: a new one from the options, or the one in the folder, which the options must not touch."""
    import json

    from course import env
    from course.commands import write_whole

    place = chosen.out / "recipe.json"
    wishes = {name: getattr(chosen, name) for name in (*RECIPE, "precision", "seed")}
    if chosen.resume:
        if any(wish is not None for wish in wishes.values()):
            raise UserError("the recipe was settled when the run began; leave its options away beside --resume", code=2)
        try:
            return json.loads(place.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"{chosen.out} holds no run in training, so there is nothing to resume") from error
    if place.exists():
        raise UserError(f"{chosen.out} holds a run already; --resume goes on with it, or choose another folder")
    usual = RECIPE | {"precision": str(env.precision(device)).removeprefix("torch."), "seed": 0}
    recipe = {name: usual[name] if wish is None else wish for name, wish in wishes.items()}
    chosen.out.mkdir(parents=True, exist_ok=True)
    write_whole(place, json.dumps(recipe).encode())
    return recipe
