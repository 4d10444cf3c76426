"""The tools that write what ships: each works on what it was told, and on nothing else."""

import sys

import torch
from project import ROOT
from trainings import fresh_tiny_sd

from course.pipelines.tiny_sd import save

sys.path.append(str(ROOT / "tools"))
import measure_tiny_sd


def test_the_pipeline_in_the_folder_is_measured(tmp_path, monkeypatch):
    fresh, asked = fresh_tiny_sd(), []
    save(fresh, tmp_path / "other", "# other")

    def right(pipe, n, *_):
        asked.append(pipe)
        return [dict.fromkeys(("size", "colour", "shape", "background", "relation"), True)] * n

    monkeypatch.setattr(measure_tiny_sd, "right", right)
    monkeypatch.setattr(measure_tiny_sd, "psnr", lambda pipe: asked.append(pipe) or 0.0)
    monkeypatch.setattr(measure_tiny_sd, "threads", lambda count: None)
    monkeypatch.setattr(measure_tiny_sd, "STEPS", 1)
    measure_tiny_sd.main(tmp_path / "other", 2)
    for part in ("unet", "vae", "text_encoder"):
        ours = getattr(fresh, part).state_dict()
        for pipe in asked:
            found = getattr(pipe, part).state_dict()
            assert all(found[name].dtype == torch.float32 for name in found if found[name].is_floating_point())
            assert all(torch.allclose(found[name], ours[name], rtol=2e-3, atol=1e-5) for name in ours)  # by float16
    text = (tmp_path / "other" / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# other\n\n## What it can do")
