"""The stages of `train-latent`: each one saves as it goes, and is skipped where its result lies in the folder."""

import time

from course.commands import UserError


def go(out, recipe, device, minutes):
    """Autoencoder, latents, text encoder and U-Net, pipeline, in the folder `out`; checkpoints every `minutes`."""
    import torch

    from course import latent

    if (out / "pipeline").exists():
        raise UserError(f"{out} has its pipeline already")
    torch.manual_seed(recipe["seed"])
    pipe = latent.build()
    seconds = {"autoencoder": _autoencoder(out, recipe, pipe.vae.to(device), minutes)}
    stored = _latents(out, recipe, pipe.vae, device)
    pipe.vae.register_to_config(scaling_factor=round(1 / stored.mean.std().item(), 5))
    seconds["text encoder and U-Net"] = _text_to_latent(out, recipe, pipe, stored, device, minutes)
    latent.save(pipe.to("cpu"), out / "pipeline", _card(recipe, seconds, device))
    print(f"{out / 'pipeline'}: a pipeline that diffusers loads")
    return 0


def _followed(what, place, training, steps, minutes):
    """Run a training to its end, with a bar and checkpoints: (averaged model, seconds)."""
    from tqdm import tqdm

    from course.training.checkpoints import save

    saved = time.perf_counter()
    with tqdm(total=steps, desc=what, unit="step", mininterval=0.5) as bar:
        for progress in training:
            bar.update(progress.step - bar.n)
            bar.set_postfix_str(f"loss {progress.loss:.4f}")
            if time.perf_counter() - saved > 60 * minutes or progress.step == steps:
                save(place, progress.state(), {"step": progress.step, "seconds": round(progress.seconds, 1)})
                saved = time.perf_counter()
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

    from course.training.latent import train_autoencoder

    place, steps = out / "autoencoder.safetensors", recipe["autoencoder_steps"]
    state = _state(place)
    seconds = _finished(state, vae, steps)
    if seconds is None:
        precision = getattr(torch, recipe["precision"])
        training = train_autoencoder(vae, steps, seed=recipe["seed"], precision=precision, state=state, every=10)
        average, seconds = _followed("autoencoder", place, training, steps, minutes)
        vae.load_state_dict(average.state_dict())
    vae.eval().requires_grad_(False)
    return seconds


def _latents(out, recipe, vae, device):
    """The stored latents: from the folder, or drawn and encoded now."""
    import torch
    from tqdm import tqdm

    from course.training.checkpoints import read, save
    from course.training.latent import Latents, drawn_scenes, encode_scenes

    place, n, seed = out / "latents.safetensors", recipe["latents"], recipe["seed"]
    if place.exists():
        tensors = read(place)[0]
        scenes = [scene for some, _ in drawn_scenes(n, seed) for scene in some]
    else:
        parts, bar = [], tqdm(total=n, desc="latents", unit="scene", mininterval=0.5)
        with bar:
            for part in encode_scenes(vae, n, seed):
                parts.append(part)
                bar.update(len(part.scenes))
        tensors = {name: torch.cat([getattr(part, name) for part in parts]).cpu() for name in ("mean", "std")}
        scenes = [scene for part in parts for scene in part.scenes]
        save(place, tensors, {"latents": n})
    return Latents(tensors["mean"].to(device), tensors["std"].to(device), scenes)


def _text_to_latent(out, recipe, pipe, stored, device, minutes):
    from course.latent import TextToLatent
    from course.training.latent import train_text_to_latent

    place, steps = out / "text-to-latent.safetensors", recipe["steps"]
    pipe.unet.to(device)
    pipe.text_encoder.to(device)
    net, state = TextToLatent(pipe), _state(place)
    seconds = _finished(state, net, steps)
    if seconds is None:
        training = train_text_to_latent(pipe, stored, steps, seed=recipe["seed"], state=state)
        average, seconds = _followed("text encoder and U-Net", place, training, steps, minutes)
        net.load_state_dict(average.net.state_dict())
    net.eval().requires_grad_(False)
    return seconds


def _card(recipe, seconds, device):
    """What the pipeline is, how it was made, and what it may be used for, in Markdown."""
    import platform

    import torch

    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} CPU"
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
