"""Training: a loop for any loss, the eps loss, weights on disk, runs in a folder.

The functions come when they are asked for: the command line reads the recipes without torch.
"""

from course import lazily

__getattr__, __dir__ = lazily(
    __name__,
    __path__,
    {
        "Card": "card",
        "EMA": "loop",
        "classifier": "checkpoints",
        "held_out_loss": "eps",
        "load_model": "checkpoints",
        "loss_fn": "eps",
        "loss_per_t": "eps",
        "pretrained": "checkpoints",
        "save_model": "checkpoints",
        "own_pairs": "flow",
        "pair_batches": "flow",
        "train": "eps",
        "train_flow": "flow",
        "velocity_loss": "flow",
    },
)
