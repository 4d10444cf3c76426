"""Networks, small enough for a laptop: a U-Net for pictures, a denoiser for points, a classifier."""

from course.nets.blocks import Attention, ResBlock
from course.nets.classifier import Classifier
from course.nets.embeddings import Clock, timestep_embedding
from course.nets.mlp import MLP
from course.nets.unet import UNet

__all__ = ["MLP", "Attention", "Classifier", "Clock", "ResBlock", "UNet", "timestep_embedding"]
