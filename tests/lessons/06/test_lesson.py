"""What lesson 06 says and its proofs do not reach: its title picture, worked values, and what diffusers does."""

import base64
import inspect
import io
import re

import diffusers
import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from project import ROOT, module

from course import check
from course.env import shipped
from course.pipelines import hub, load_pipeline
from course.teaching import quiz

LESSON = ROOT / "notebooks/06_stable_diffusion.ipynb"
title = module(ROOT / "tools/lessons/06.py")  # draws the title picture
ROW = re.compile(r"\| (\w+ things?, as trained) \| ([\d.]+) \| [\d.]+ \(([\d.]+) to ([\d.]+)\)")


def source(cell, notebook=LESSON):
    """The text of a cell of the lesson, by its id."""
    return next(c.source for c in nbformat.read(notebook, 4).cells if c.id == cell)


def test_title_picture_is_what_the_cells_draw():
    stored = nbformat.read(LESSON, 4).cells[0]["attachments"]["hook.png"]["image/png"]
    stored = Image.open(io.BytesIO(base64.b64decode(stored)))
    shown, drawn = (np.asarray(image.convert("RGB"), float)[title.TOP :] for image in (stored, title.hook()))
    assert shown.shape == drawn.shape
    assert np.abs(shown - drawn).mean() < 4  # grey levels of 255: room for the rounding of another processor
    pictures = np.split(shown[:, : shown.shape[1] // 8 * 8], 8, axis=1)
    apart = [np.abs(pictures[0] - other).mean() for other in pictures[1:]]
    assert sorted(apart)[0] == apart[3] < 10  # 4 is the one that looks right
    assert sorted(apart)[1] > 15


def test_the_pictures_stand_in_the_order_of_the_question():
    names = {
        "quiz": quiz,
        "paint": lambda *_: torch.zeros(1, 3, 4, 4),
        "PROMPT": "",
        "pipe": None,
        "show": lambda *_, **__: None,
    }
    names |= {"faulty": lambda fault, _: asked.append(fault) or torch.zeros(1, 3, 4, 4), "torch": torch}
    names |= {"pictures": lambda *_, **__: None}
    asked = []
    exec(source("hook-run"), names)
    said = {item["id"]: item["text"]["en"] for item in quiz.find("06-1").items}
    [right] = [answer["order"] for answer in quiz.find("06-1").answers if answer["correct"]]
    words = {"text": "text", "unet": "U-Net", "factor": "factor", "betas": "betas", "swapped": "exchanged"}
    words |= {"negative": "negative", "scale": "guidance"}
    assert len(asked) == 7
    for fault, item in zip(asked, right, strict=True):
        assert words[fault] in said[item]


def test_worked_values_of_the_exercises(solution):
    cfg = solution.my_cfg(torch.tensor(-0.2), torch.tensor(0.4), 7.5)
    assert torch.isclose(cfg, torch.tensor(4.3))
    assert solution.my_cfg_pair(torch.tensor([1.0, 2, 3, 6]), 2).tolist() == [5, 10]
    assert torch.isclose(solution.my_scale_factor(torch.tensor([1.0, 5] * 5000)), torch.tensor(0.5), atol=1e-4)
    one = torch.tensor(1.0)
    assert torch.isclose(solution.my_encode(one, 0.5 * one, 2 * one, 0.4), torch.tensor(0.8))
    assert torch.isclose(solution.my_decode(torch.tensor(0.8), 0.4), torch.tensor(2.0))
    table, grid = torch.tensor([1, 0.81, 0.64, 0.36, 0.04]), torch.tensor([4, 2, 1, 0])
    z0, eps = torch.ones(1, 1, 1, 1), 0.5 * torch.ones(1, 1, 1, 1)
    index, z = solution.my_img2img_start(table, z0, grid, 0.7, eps)
    assert index == 1
    assert torch.isclose(z.squeeze(), torch.tensor(1.1))
    table, z = table.double(), torch.ones(1, 1, 1, 1)
    assert torch.isclose(solution.my_v_step(table, z, 0.5 * z, 3, 2).squeeze(), torch.tensor(0.82))
    table = table.float()
    for mask, value in ((1.0, -1), (0.0, 1.1)):
        kept = solution.my_inpaint_blend(table, -z0, z0, torch.tensor([2]), eps, mask * z0)
        assert torch.isclose(kept.squeeze(), torch.tensor(float(value)))


def test_the_defaults_that_the_lesson_names_are_those_of_diffusers():
    usual = inspect.signature(diffusers.StableDiffusionPipeline.__call__).parameters
    assert usual["guidance_scale"].default == 7.5
    assert usual["num_inference_steps"].default == 50


def test_the_dots_of_the_card_rise_and_fall_as_the_lesson_says():
    """More right at scale 2 than at 1, and fewer at 7.5, by more than the intervals of a thousand prompts."""
    card = (shipped("data/tiny-sd") / "README.md").read_text(encoding="utf-8")
    found = {(what, scale): [float(end) for end in ends] for what, scale, *ends in ROW.findall(card)}
    for what in ("one thing", "two things"):
        one, two, usual = (found[f"{what}, as trained", scale] for scale in ("1", "2", "7.5"))
        assert two[0] > max(one[1], usual[1])
    pattern = re.search(r'CARD = re.compile\(r"(.*)"\)', source("b4-run"))[1]
    assert {what for what, *_ in re.findall(pattern, card)} == {"one thing", "two things"}  # what the figure draws
    assert len(re.findall(pattern, card)) == 6


@pytest.mark.parametrize("missing", ["generator", "return", "gpu"])
def test_a_script_without_its_frame_hears_what_is_missing(missing, monkeypatch, tmp_path):
    """Not that all seven lines are wrong; whatever else is."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.sqlite3"))

    def my_script(diffusers, torch, seed):
        pipe = diffusers.StableDiffusionPipeline.from_pretrained(hub.CHECKPOINTS["sd-1.5"].id)  # no dtype
        pipe = pipe if missing == "gpu" else pipe.to("cuda")
        dice = None if missing == "generator" else torch.Generator().manual_seed(seed)
        picture = pipe("a mackerel", generator=dice).images[0]
        picture.save("mackerel.png")
        return None if missing == "return" else picture

    result = check("06-script", my_script, 0)
    said = {"generator": "without generator=", "return": "returns nothing", "gpu": "not moved to the GPU"}
    assert said[missing] in result.feedback
    passed = [passed for _, passed in result.tested]
    assert passed == ([False] * 8 if missing == "return" else [False, True, True, True, False, True, True, True])


def test_a_strength_of_one_starts_the_library_s_inpainting_from_pure_noise():
    pipe = load_pipeline(cls="StableDiffusionInpaintPipeline")
    settings = {"height": 64, "width": 64, "num_inference_steps": 5, "output_type": "latent", "guidance_scale": 1.0}
    drawn = {}
    for strength in (1.0, 0.999):
        for shade in (0.0, 1.0):
            given = {"image": torch.full((1, 3, 64, 64), shade), "mask_image": torch.ones(1, 1, 64, 64)}
            dice = torch.Generator().manual_seed(0)
            drawn[strength, shade] = pipe("", **given, strength=strength, generator=dice, **settings).images
    assert torch.equal(drawn[1.0, 0.0], drawn[1.0, 1.0])
    assert not torch.equal(drawn[0.999, 0.0], drawn[0.999, 1.0])


def test_the_old_script_shows_each_of_its_faults():
    """Each known mistake of the exercise that was in the script stands in the text, with its number."""
    text = source("ex-script")
    for number, said in enumerate(
        ("runwayml/", "use_auth_token", "hf_...", ".to(", "autocast", "(worst", "/content/"), 1
    ):
        assert said in text, f"fault {number}"
    assert hub.CHECKPOINTS["sd-1.5"].id not in text


def test_two_faults_of_seven_are_named_by_the_lines_of_their_cases(monkeypatch, tmp_path):
    """Half right: the card says which of the seven have passed."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.sqlite3"))

    def my_script(diffusers, torch, seed):
        pipe = diffusers.StableDiffusionPipeline.from_pretrained(hub.CHECKPOINTS["sd-1.5"].id).to("cuda")
        with torch.autocast("cuda"):
            picture = pipe("a mackerel", generator=torch.Generator().manual_seed(seed)).images[0]
        picture.save("mackerel.png")
        return picture

    result = check("06-script", my_script, 0)
    assert [passed for _, passed in result.tested] == [True, True, True, True, False, False, True, True]
    assert "float16" in result.feedback
