"""Trainings that several tests share: small networks, and a walk to the last report."""

from collections import deque

import torch
from helpers import scans

from course.data import batches, load
from course.models import as_eps
from course.nets import UNet
from course.schedules import linear
from course.training.eps import train


def fresh(classes=0, width=8, seed=0, patch=2):
    """A U-Net for digits with the random weights of this seed."""
    torch.manual_seed(seed)
    return UNet(1, width, patch=patch, num_classes=classes)


def fresh_tiny_sd(seed=0):
    """A small Stable Diffusion with the random weights of this seed."""
    from course.pipelines.tiny_sd import build

    torch.manual_seed(seed)
    return build()


def run(net, steps, schedule=None, labels=True, prints="v", size=16, **choices):
    """A training on forty scans: its generator of Progress."""
    schedule, y = schedule or linear(), load("digits", "all")[1][:40] if labels else None
    pictures = batches(scans(40, torch.float32), y, size=size)
    return train(as_eps(net, schedule, prints), schedule, pictures, steps, **choices)


def finish(progress):
    """The last Progress of a training."""
    return deque(progress, maxlen=1).pop()


def weights(net):
    """Copies of a network's weights as they are now."""
    return [x.detach().clone() for x in net.parameters()]
