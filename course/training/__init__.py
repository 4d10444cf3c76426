"""Training: a loop for any loss, the eps loss, weights on disk."""

from course.training.checkpoints import classifier, load_model, pretrained
from course.training.eps import held_out_loss, loss_fn, loss_per_t, spread_times, train
from course.training.loop import EMA, Diverged, Progress, loop

__all__ = [
    "EMA",
    "Diverged",
    "Progress",
    "classifier",
    "held_out_loss",
    "load_model",
    "loop",
    "loss_fn",
    "loss_per_t",
    "pretrained",
    "spread_times",
    "train",
]
