"""The exercises of lesson 04 once more, written in another way: with loops, complex numbers and einsum."""

import cmath
import math

import torch


def my_training_pair(alpha_bar, x0, t, eps):
    x_t = torch.empty_like(x0)
    for k, time in enumerate(t.tolist()):
        a = alpha_bar[time].item()
        x_t[k] = math.sqrt(a) * x0[k] + math.sqrt(1 - a) * eps[k]
    return x_t, eps.clone()


def my_loss(eps_hat, eps):
    away = (eps_hat - eps).flatten()
    return torch.dot(away, away) / away.numel()


def my_timestep_embedding(t, dim, max_period=10000.0):
    turn = [cmath.exp(-2 * k / dim * cmath.log(max_period)).real for k in range(dim // 2)]
    hands = [[cmath.exp(1j * time * f) for f in turn] for time in t.tolist()]
    return torch.tensor([[z.imag for z in row] + [z.real for z in row] for row in hands])


def my_film(h, e):
    C = h.size(1)
    scaled = torch.einsum("bchw,bc->bchw", h, e[:, :C])
    return h + scaled + e[:, C:].reshape(*e[:, C:].shape, 1, 1)


def my_ema_step(shadow, weights, step, decay):
    warm = (1 + step) / (10 + step)
    d = warm if warm < decay else decay
    return weights + d * (shadow - weights)
