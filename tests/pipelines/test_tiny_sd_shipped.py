"""The small Stable Diffusion that ships: it is what its card says, and diffusers takes it for one of its own."""

import re
import shutil

import diffusers
import pytest
import torch
from diffusers import StableDiffusionPipeline
from helpers import seeded

from course import env
from course.pipelines import load_pipeline
from course.pipelines.tiny_sd import build
from course.scenes import compare, describe, draw, parse, random_scenes
from course.training.latent import drawn_scenes

FOLDER = env.shipped("data/tiny-sd")
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"\| (one thing|two things), (as trained|never trained) \| ([\d.]+) \| ([\d.]+) \(([\d.]+) to ([\d.]+)\)"
)
PROMPT = "a large red circle on a white background"


@pytest.fixture(scope="module")
def pipe():
    return load_pipeline()


def share(pipe, n, scale, things, unseen):
    """The share of n prompts whose picture shows all that was asked."""
    asked = random_scenes(n, unseen, things, seeded(3))
    dice = [seeded(k) for k in range(n)]
    settings = {"guidance_scale": scale, "num_inference_steps": 25, "generator": dice, "output_type": "pt"}
    seen = describe(pipe([str(scene) for scene in asked], **settings).images * 2 - 1)
    return sum(all(compare(a, b).values()) for a, b in zip(asked, seen, strict=True)) / n


def test_it_is_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 16 * 10**6


def test_plain_diffusers_loads_it_and_it_is_of_this_architecture(tmp_path):
    shipped, built = StableDiffusionPipeline.from_pretrained(shutil.copytree(FOLDER, tmp_path / "copy")), build()
    for name in ("unet", "vae", "text_encoder"):
        theirs, ours = getattr(shipped, name).state_dict(), getattr(built, name).state_dict()
        assert {key: x.shape for key, x in theirs.items()} == {key: x.shape for key, x in ours.items()}
    assert shipped.tokenizer.get_vocab() == built.tokenizer.get_vocab()
    assert shipped.scheduler.config.prediction_type == "v_prediction"
    assert shipped.vae.config.scaling_factor != 0.18215  # measured on its own latents


def test_its_latents_have_std_one_after_the_scale_factor(pipe):
    """On scenes as it was trained on: three quarters of them with two things."""
    x = draw([scene for some, _ in drawn_scenes(400, seed=1, size=100, lone=4) for scene in some], seeded(2))
    with torch.no_grad():
        z = pipe.vae.encode(x).latent_dist.mean * pipe.vae.config.scaling_factor
    assert abs(z.std() - 1) < 0.02


def rows():
    return {(things, kind, float(scale)): tuple(map(float, rest)) for things, kind, scale, *rest in ROW.findall(CARD)}


def test_the_card_has_a_row_for_each_kind_of_prompt_and_scale():
    assert {(things, kind) for things, kind, _ in rows()} == {
        (things, kind) for things in ("one thing", "two things") for kind in ("as trained", "never trained")
    }
    assert len(rows()) == 12
    assert {1.0, 7.5} < {scale for *_, scale in rows()}


@pytest.mark.slow
@pytest.mark.parametrize("key", rows(), ids=str)
def test_the_card_says_what_the_pictures_show(key, pipe):
    """60 other prompts lie within three standard deviations of what the card says of 1,000."""
    things, kind, scale = key
    said = rows()[key][0] / 100
    found = share(pipe, 60, scale, ("one thing", "two things").index(things) + 1, kind == "never trained")
    assert abs(found - said) <= 3 * (max(said * (1 - said), 0.02) / 60) ** 0.5


@pytest.mark.parametrize("cls", ["StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"])
def test_the_other_pipelines_load_it(cls, tmp_path):
    pipe = getattr(diffusers, cls).from_pretrained(shutil.copytree(FOLDER, tmp_path / "copy"))
    pipe.set_progress_bar_config(disable=True)
    x = draw([parse("a small blue square on a black background")], seeded(0)) / 2 + 0.5
    mask = {"mask_image": torch.ones(1, 1, 64, 64), "height": 64, "width": 64} if "Inpaint" in cls else {}
    settings = {"strength": 0.9, "num_inference_steps": 20, "guidance_scale": 4.0, "generator": seeded(0)}
    (seen,) = describe(pipe(PROMPT, image=x, output_type="pt", **settings, **mask).images * 2 - 1)
    assert all(compare(parse(PROMPT), seen).values())


NOT_FOR_IT = {"EDMEulerScheduler"}  # asks a network that is preconditioned as in Karras et al.
OTHERS = {"DDIMParallelScheduler", "DDPMParallelScheduler", "LCMScheduler", "SASolverScheduler", "TCDScheduler"}
COMPATIBLE = sorted({cls.__name__ for cls in build().scheduler.compatibles} - NOT_FOR_IT | OTHERS)


@pytest.mark.parametrize("name", COMPATIBLE)
def test_every_scheduler_of_diffusers_draws_what_was_asked(name, pipe):
    """Without guidance, as fast samplers break under it: lesson 06 shows how. The rest of diffusers' schedulers are for
    flows, tokens, inversion, or other pipelines."""
    if name == "DPMSolverSDEScheduler":
        pytest.importorskip("torchsde")  # its noise comes from that package
    settings = {"skip_prk_steps": True} if name == "PNDMScheduler" else {}
    scheduler = getattr(diffusers, name).from_config(pipe.scheduler.config, **settings)
    other = type(pipe)(**(pipe.components | {"scheduler": scheduler}), requires_safety_checker=False)
    other.set_progress_bar_config(disable=True)
    asked = [PROMPT, "a small blue square on a black background"] * 4
    settings = {"num_inference_steps": 30, "guidance_scale": 1.0, "generator": [seeded(k) for k in range(8)]}
    seen = describe(other(asked, output_type="pt", **settings).images * 2 - 1)
    assert sum(all(compare(parse(a), b).values()) for a, b in zip(asked, seen, strict=True)) >= 6
