"""Stable Diffusion, in small and as the public checkpoints have it: pipelines of the diffusers library."""

from course.pipelines.drawing import decoded, embed, obeyed, paint
from course.pipelines.hub import CHECKPOINTS, Checkpoint, HubError, load_pipeline
from course.pipelines.tiny_sd import TextToLatent, token_ids

__all__ = [
    "CHECKPOINTS",
    "Checkpoint",
    "HubError",
    "TextToLatent",
    "decoded",
    "embed",
    "load_pipeline",
    "obeyed",
    "paint",
    "token_ids",
]
