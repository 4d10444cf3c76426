"""Stable Diffusion, in small and as the public checkpoints have it: pipelines of the diffusers library."""

from course.pipelines.hub import CHECKPOINTS, Checkpoint, HubError, load_pipeline
from course.pipelines.tiny_sd import TextToLatent, token_ids

__all__ = ["CHECKPOINTS", "Checkpoint", "HubError", "TextToLatent", "load_pipeline", "token_ids"]
