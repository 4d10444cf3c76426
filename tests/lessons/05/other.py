"""The exercises of lesson 05 once more, written in another way: in sigma, and in whole numbers."""

import torch


def my_ddim_step(alpha_bar, x_t, t, s, eps, noise, eta):
    rows = []
    for x, A, B, e, z in zip(x_t.double(), alpha_bar[t], alpha_bar[s], eps.double(), noise.double(), strict=True):
        std = eta * torch.sqrt((1 - B) * (B - A) / (B * (1 - A)))
        sigma, level = torch.sqrt(1 / A - 1), torch.sqrt((1 - B - std**2).clamp(min=0) / B)
        rows.append(torch.sqrt(B) * (x / torch.sqrt(A) + (level - sigma) * e) + std * z)  # Euler's method in sigma
    return torch.stack(rows).type_as(x_t)


def my_grid(T, n):
    if not n <= T:
        raise ValueError("n must not be larger than T")
    return torch.tensor([(2 * T * (n - i) + n) // (2 * n) for i in range(n + 1)])  # + n // 2n rounds


def my_invert_step(alpha_bar, x_s, s, t, eps):
    def like(a):
        return a[(...,) + (None,) * (x_s.dim() - 1)]

    def sigma(time):
        return (1 / alpha_bar[time] - 1).sqrt()

    grown = torch.einsum("b...,b->b...", x_s.double(), alpha_bar[s].rsqrt())
    return (like(alpha_bar[t].sqrt()) * (grown + like(sigma(t) - sigma(s)) * eps)).to(x_s.dtype)
