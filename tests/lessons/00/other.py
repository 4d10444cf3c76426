"""Filled exercises of lesson 00, in other ways."""

import torch


def my_negative(x):
    return torch.where(x > 0, 0 - x, x.abs())
