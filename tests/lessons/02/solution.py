"""Filled exercises of lesson 02."""

import math

import torch


def my_alpha_bar(beta):
    return torch.cat([beta.new_ones(1), torch.cumprod(1 - beta, 0)])


def my_q_sample(alpha_bar, x0, t, eps):
    a = alpha_bar[t].reshape(-1, *[1] * (x0.ndim - 1))  # (B, 1, ..., 1)
    return (a.sqrt() * x0 + (1 - a).sqrt() * eps).to(x0.dtype)


def my_cosine(T, s=0.008, max_beta=0.999):
    f = torch.cos((torch.arange(T + 1, dtype=torch.float64) / T + s) / (1 + s) * math.pi / 2) ** 2
    beta = (1 - f[1:] / f[:-1]).clamp(max=max_beta)
    return torch.cat([beta.new_ones(1), torch.cumprod(1 - beta, 0)])


def my_three_views(alpha_bar, x_t, t, eps):
    a = alpha_bar[t].reshape(-1, *[1] * (x_t.ndim - 1))
    x0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    return torch.stack([x0, a.sqrt() * eps - (1 - a).sqrt() * x0, -eps / (1 - a).sqrt()])


def my_eps_from_v(alpha_bar, x_t, t, v):
    a = alpha_bar[t].reshape(-1, *[1] * (x_t.ndim - 1))
    return (1 - a).sqrt() * x_t + a.sqrt() * v
