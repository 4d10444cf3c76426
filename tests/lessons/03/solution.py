"""Filled exercises of lesson 03; the tests put them in place of the stubs."""

import torch


def my_q_posterior(alpha_bar, x0, x_t, t, s):
    shape = (-1, *[1] * (x_t.ndim - 1))  # (B, 1, ..., 1)
    alpha_bar_t, alpha_bar_s = alpha_bar[t].reshape(shape), alpha_bar[s].reshape(shape)
    alpha = alpha_bar_t / alpha_bar_s
    beta = 1 - alpha
    of_x0 = alpha_bar_s.sqrt() * beta / (1 - alpha_bar_t)
    of_x_t = alpha.sqrt() * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    std = (beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)).sqrt()
    return (of_x0 * x0 + of_x_t * x_t).to(x_t.dtype), std.to(x_t.dtype)


def my_ddpm_step(alpha_bar, x_t, t, s, eps, noise, variance):
    shape = (-1, *[1] * (x_t.ndim - 1))
    alpha_bar_t, alpha_bar_s = alpha_bar[t].reshape(shape), alpha_bar[s].reshape(shape)
    alpha = alpha_bar_t / alpha_bar_s
    beta = 1 - alpha
    tilde = beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    std = (tilde + variance * (beta - tilde)).sqrt() * (s > 0).reshape(shape)
    return ((x_t - beta / (1 - alpha_bar_t).sqrt() * eps) / alpha.sqrt() + std * noise).to(x_t.dtype)


def my_mixture_eps(alpha_bar, x_t, t, means, stds, weights):
    a = alpha_bar[t][:, None]  # (B, 1)
    v = a * stds.square() + 1 - a  # (B, K)
    away = x_t[:, None] - a.sqrt()[..., None] * means  # (B, K, D)
    logs = weights.log() - x_t.shape[1] / 2 * v.log() - away.square().sum(2) / (2 * v)
    r = torch.softmax(logs, 1)  # (B, K)
    return ((1 - a).sqrt() * (r[..., None] * away / v[..., None]).sum(1)).to(x_t.dtype)
