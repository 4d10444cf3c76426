"""Filled exercises of lesson 02, in other ways."""

import math

import torch


def my_alpha_bar(beta):
    table = [1.0]
    for b in beta.tolist():
        table.append(table[-1] * (1 - b))
    return torch.tensor(table, dtype=beta.dtype)


def my_q_sample(alpha_bar, x0, t, eps):
    angle = torch.acos(alpha_bar.sqrt())[t].to(x0.dtype)  # (B,)
    return torch.einsum("b,b...->b...", angle.cos(), x0) + torch.einsum("b,b...->b...", angle.sin(), eps)


def my_cosine(T, s=0.008, max_beta=0.999):
    log = [0.0]
    for t in range(1, T + 1):
        now, before = (math.cos((k / T + s) / (1 + s) * math.pi / 2) for k in (t, t - 1))
        log.append(log[-1] + max(math.log(1 - max_beta), 2 * math.log(now / before)))
    return torch.tensor(log, dtype=torch.float64).exp()


def my_three_views(alpha_bar, x_t, t, eps):
    out = torch.empty(3, *x_t.shape, dtype=x_t.dtype)
    for k, a in enumerate(alpha_bar[t].tolist()):
        cos, sin = math.sqrt(a), math.sqrt(1 - a)
        out[0, k] = (x_t[k] - sin * eps[k]) / cos
        out[1, k] = (eps[k] - sin * x_t[k]) / cos  # x0 inserted in v
        out[2, k] = eps[k] / -sin
    return out


def my_eps_from_v(alpha_bar, x_t, t, v):
    a = alpha_bar[t].to(x_t.dtype)
    while a.ndim < x_t.ndim:
        a = a[..., None]
    x0 = a.sqrt() * x_t - (1 - a).sqrt() * v
    return torch.where(a == 1, v, (x_t - a.sqrt() * x0) / (1 - a).sqrt().clamp(min=1e-30))
