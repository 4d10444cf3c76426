"""How each data set is learned, and which of its pictures are kept back to judge by."""

# What was found to learn fastest on two processor cores. held: training pictures kept back to measure the loss with.
RECIPES = {
    "digits": {"width": 24, "mults": [1, 2], "patch": 1, "batch": 64, "lr": 3e-3, "decay": 0.995, "held": 0},
    "mnist_mini": {"width": 32, "mults": [1, 2], "patch": 2, "batch": 64, "lr": 2e-3, "decay": 0.995, "held": 100},
    "mnist": {"width": 32, "mults": [1, 2], "patch": 2, "batch": 64, "lr": 4e-3, "decay": 0.999, "held": 5000},
    "fashion_mnist": {"width": 32, "mults": [1, 2], "patch": 2, "batch": 64, "lr": 4e-3, "decay": 0.999, "held": 5000},
    "cifar10": {"width": 64, "mults": [1, 2, 2], "patch": 2, "batch": 128, "lr": 1e-3, "decay": 0.999, "held": 1000},
}
# How a trained model is straightened: on so many pairs of its own, each drawn in so many calls.
REFLOW = {"pairs": 3000, "calls": 50, "batch": 64, "lr": 1e-3, "decay": 0.99, "warm_up": 30, "drop": 0.0}
LOSSES = ("eps", "flow")


def split(name, device="cpu"):
    """The pictures of a data set with a recipe: to train on and held out, (x, y, x_held, y_held), x (N, C, H, W).

    Held out are the last `held` of the training set; where the recipe keeps none, the test set. Raises DataError where
    the data cannot be had.
    """
    from course.data import load

    x, y = load(name)
    held = RECIPES[name]["held"]
    parts = (x[:-held], y[:-held], x[-held:], y[-held:]) if held else (x, y, *load(name, "test"))
    return tuple(part.to(device) for part in parts)
