"""`train-latent`: its stages, its words for a wrong use, and a run that goes on as if nothing had happened."""

import json
import shutil

import pytest
import torch
from broken import stored_before

from course.__main__ import main
from course.training.checkpoints import read
from course.training.latent import drawn_scenes

SMALL = ["--autoencoder-steps", "3", "--latents", "80", "--steps", "3", "--precision", "float32", "--device", "cpu"]


def command(folder, *options):
    return main(["train-latent", "--out", str(folder), *options])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("latent") / "run"
    assert command(folder, *SMALL) == 0
    return folder


def tensors(folder):
    return {name: read(folder / f"{name}.safetensors")[0] for name in ("autoencoder", "latents", "text-to-latent")}


def test_a_run_ends_in_a_pipeline_that_diffusers_loads(run):
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(run / "pipeline", local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    x = pipe("a red circle", num_inference_steps=2, output_type="pt").images
    assert x.shape == (1, 3, 64, 64)
    stored = tensors(run)
    assert pipe.vae.config.scaling_factor == pytest.approx(1 / stored["latents"]["mean"].std().item(), rel=1e-4)
    weight = stored["text-to-latent"]["ema.unet.conv_in.weight"]
    assert torch.equal(pipe.unet.conv_in.weight, weight.half().float())
    card = (run / "pipeline" / "README.md").read_text()
    assert "autoencoder_steps: 3" in card
    assert "license: mit" in card


def test_a_run_goes_on_bit_by_bit(run, tmp_path):
    """A run whose later stages are lost makes them again, the same, also from a state in the middle of a stage."""
    again = tmp_path / "again"
    again.mkdir()
    for name in ("plan.json", "autoencoder.safetensors"):
        shutil.copy(run / name, again)
    assert command(again, "--resume") == 0
    before, after = tensors(run), tensors(again)
    for stage, parts in before.items():
        for name, x in parts.items():
            assert name == "seconds" or torch.equal(x, after[stage][name]), f"{stage} {name}"


def test_a_run_can_begin_with_a_pipeline(run, tmp_path):
    """Its weights are trained on: after one gentle step they are near those of the pipeline, and not the same."""
    more = tmp_path / "more"
    assert command(more, *SMALL[:4], "--steps", "1", *SMALL[6:], "--begin", str(run / "pipeline")) == 0
    before, after = (tensors(folder)["text-to-latent"]["net.unet.conv_in.weight"] for folder in (run, more))
    moved = (after - before.half().float()).abs().max().item()
    assert 0 < moved < 0.02
    assert json.loads((more / "plan.json").read_text())["begin"] == str((run / "pipeline").resolve())
    scenes = [scene for some, _ in drawn_scenes(80, 0, lone=4) for scene in some]
    assert {len(scene.things) for scene in scenes} == {1}  # the first lot of four


def test_what_is_no_pipeline_is_nothing_to_begin_with(tmp_path, capsys):
    assert command(tmp_path / "run", *SMALL, "--begin", str(tmp_path)) != 0
    assert "holds no pipeline to begin with" in capsys.readouterr().err


def test_a_run_of_version_0_1_goes_on_bit_by_bit(run, tmp_path):
    """Its plan had another name, and a card could say anything."""
    (again := tmp_path / "again").mkdir()
    shutil.copy(run / "plan.json", again / "recipe.json")
    for name, card in {"autoencoder": {"step": 3, "seconds": 1}, "latents": {"latents": 300}}.items():
        stored_before(again / f"{name}.safetensors", read(run / f"{name}.safetensors")[0], card)
    assert command(again) == 1  # there is a run
    assert command(again, "--resume") == 0
    before, after = tensors(run)["text-to-latent"], tensors(again)["text-to-latent"]
    assert all(x.equal(after[name]) for name, x in before.items() if name != "seconds")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--resume", "--steps", "5"], "leave its options away"),
        ([], "holds a run already"),
        (["--resume"], "has its pipeline already"),
        (["--steps", "0"], "whole number"),
        (["--device", "tpu9"], "cannot be used here"),
    ],
)
def test_wrong_uses_are_one_line(run, capsys, options, words):
    try:
        code = command(run, *options)
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr().err
    assert code in (1, 2)
    assert words in said
    assert said.count("\n") == 1


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path, capsys):
    assert command(tmp_path / "empty", "--resume") == 1
    assert "nothing to resume" in capsys.readouterr().err


@pytest.mark.parametrize("plan", ["{}", "[]", "3", '{"data": "digits", "recipe": {"steps": 3}}'])
def test_the_plan_of_another_command_is_no_run(tmp_path, capsys, plan):
    (tmp_path / "plan.json").write_text(plan)
    assert command(tmp_path, "--resume") == 1
    assert "nothing to resume" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_one_line(run, tmp_path, capsys):
    broken = tmp_path / "broken"
    broken.mkdir()
    shutil.copy(run / "plan.json", broken)
    (broken / "autoencoder.safetensors").write_bytes((run / "autoencoder.safetensors").read_bytes()[:1000])
    assert command(broken, "--resume") == 1
    assert "is no checkpoint" in capsys.readouterr().err
    assert json.loads((broken / "plan.json").read_text())["steps"] == 3
