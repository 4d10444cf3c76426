"""Who competes: the network of the best-known course, trained as that course does, and ours with the recipe of `train`.

The best-known course on diffusion models trains a UNet2DModel of the diffusers library on MNIST, with two levels of
attention; it has 1.7 million parameters, prints eps, and runs in float32.
"""

import math
from types import SimpleNamespace

import torch
from measuring import Skip

from course import schedules
from course.data import batches
from course.env import data_root
from course.models import as_eps, from_diffusers
from course.nets import UNet
from course.training.eps import loss_fn, train
from course.training.loop import loop
from course.training.recipes import RECIPES, split

BATCH = 128  # of the baseline
LR = 1e-3


def data_name():
    """The data set that is measured on: "mnist" where it has been downloaded, else "mnist_mini", which ships."""
    return "mnist" if (data_root() / "MNIST/raw/train-images-idx3-ubyte.gz").exists() else "mnist_mini"


def pictures(name):
    """The training pictures of a set, (N, 1, 28, 28), without those that its recipe keeps back."""
    return split(name)[0]


def baseline_net(seed=0):
    """The network of the best-known course. Raises Skip where diffusers is not installed."""
    try:
        from diffusers import UNet2DModel
    except ImportError as error:
        raise Skip("the baseline is a network of diffusers, which is not installed") from error
    torch.manual_seed(seed)
    return UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        layers_per_block=2,
        block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    )


def train_baseline(net, x, steps, batch=BATCH, precision=torch.float32, seed=0, **options):
    """The training of that course, as a generator of Progress: eps, mean squared error, t uniform on 1..T, Adam at one
    rate, nothing clipped, no average (that of decay 0 is the network itself)."""
    schedule = schedules.linear().to(x.device)
    pictures_of = batches(x, None, batch, seed)

    def loss(net, k, generator):
        x0, _ = pictures_of(k)
        t = torch.randint(1, schedule.T + 1, (len(x0),), generator=generator, device=x.device)  # (B,)
        eps = torch.randn(x0.shape, generator=generator, device=x.device)
        return loss_fn(from_diffusers(net, schedule), schedule, x0, t, eps)

    plain = {"lr": LR, "betas": (0.9, 0.999), "warm_up": 0, "floor": 1.0, "clip": math.inf, "decay": 0.0}
    return loop(net, loss, steps, precision=precision, seed=seed, **plain | options)


def baseline(x, batch=BATCH, precision=torch.float32, layout=torch.contiguous_format, **options):
    """The baseline in training: `step()` makes one step; `batch` says of how many pictures, `net` is its network."""
    net = baseline_net().to(x.device, memory_format=layout)
    steps = train_baseline(net, x, 10**6, batch, precision, **options)
    return SimpleNamespace(step=lambda: next(steps), batch=batch, net=net)


def our_model(name, seed=0):
    """Our untrained network as a model that prints eps: that of the recipe, without labels."""
    torch.manual_seed(seed)
    recipe = RECIPES[name]
    net = UNet(1, recipe["width"], recipe["mults"], recipe["patch"])
    return as_eps(net, schedules.linear(), "v")


def train_ours(model, name, x, steps, precision=torch.float32, seed=0, batch=None, **options):
    """The training that `train` makes of the recipe, without labels: a generator of Progress."""
    recipe = RECIPES[name]
    source = batches(x, None, batch or recipe["batch"], seed)
    known = {key: recipe[key] for key in ("lr", "decay")}
    return train(model, model.schedule, source, steps, **known, seed=seed, precision=precision, **options)


def ours(name, x, precision=torch.float32, batch=None):
    """Ours in training, as `baseline` gives the other."""
    batch, model = batch or RECIPES[name]["batch"], our_model(name)
    steps = train_ours(model, name, x, 10**6, precision, batch=batch)
    return SimpleNamespace(step=lambda: next(steps), batch=batch, net=model.net)
