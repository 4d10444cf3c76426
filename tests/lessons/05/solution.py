"""Filled exercises of lesson 05; the tests put them in place of the stubs."""

import torch


def my_ddim_step(alpha_bar, x_t, t, s, eps, noise, eta):
    shape = (-1, *[1] * (x_t.ndim - 1))  # (B, 1, ..., 1)
    alpha_bar_t, alpha_bar_s = alpha_bar[t].reshape(shape), alpha_bar[s].reshape(shape)
    x0 = (x_t - (1 - alpha_bar_t).sqrt() * eps) / alpha_bar_t.sqrt()
    variance = eta**2 * (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)
    x_s = alpha_bar_s.sqrt() * x0 + (1 - alpha_bar_s - variance).clamp(min=0).sqrt() * eps + variance.sqrt() * noise
    return x_s.to(x_t.dtype)


def my_grid(T, n):
    if n > T:
        raise ValueError(f"{n} steps do not fit into {T}")
    return torch.linspace(T, 0, n + 1, dtype=torch.float64).round().long()


def my_invert_step(alpha_bar, x_s, s, t, eps):
    shape = (-1, *[1] * (x_s.ndim - 1))
    alpha_bar_s, alpha_bar_t = alpha_bar[s].reshape(shape), alpha_bar[t].reshape(shape)
    x0 = (x_s - (1 - alpha_bar_s).sqrt() * eps) / alpha_bar_s.sqrt()
    return (alpha_bar_t.sqrt() * x0 + (1 - alpha_bar_t).sqrt() * eps).to(x_s.dtype)
