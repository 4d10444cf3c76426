"""Filled exercises of lesson 08; the tests put them in place of the stubs."""

import math

import torch


def my_reverse_step(beta, x, h, score, noise, eta):
    beta = beta.reshape(-1, *[1] * (x.ndim - 1))  # (B, 1, ..., 1)
    drift = beta / 2 * x + (1 + eta**2) / 2 * beta * score
    return x + h * drift + eta * (beta * h).sqrt() * noise


def my_to_flow(alpha_bar, x_t, t, eps):
    sigma = ((1 - alpha_bar[t]) / alpha_bar[t]).sqrt()  # (B,)
    s = sigma / (1 + sigma)
    shape = (-1, *[1] * (x_t.ndim - 1))
    a, share = alpha_bar[t].reshape(shape).sqrt(), s.reshape(shape)
    x0 = (x_t - (1 - a**2).sqrt() * eps) / a
    return s, (1 - share) * x_t / a, eps - x0


def my_ode_log_p(sigma, u, div):
    area = torch.trapezoid(div, sigma, dim=0)  # (B,)
    u, top = u.flatten(1), sigma[-1]
    return area - (u / top).square().sum(1) / 2 - u.shape[1] * (math.log(2 * math.pi) / 2 + top.log())
