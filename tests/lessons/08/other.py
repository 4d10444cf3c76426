"""The exercises of lesson 08 written in another way: as Langevin on top of the ODE, by mixing, with a library."""

import torch


def my_reverse_step(beta, x, h, score, noise, eta):
    rows = []
    for b, start, slope, draw in zip(beta * h, x, score, noise, strict=True):
        ode = start + b / 2 * (start + slope)
        size = b * eta * eta  # of the Langevin step
        rows.append(ode + size / 2 * slope + torch.sqrt(size) * draw)
    return torch.stack(rows)


def my_to_flow(alpha_bar, x_t, t, eps):
    kept, added = alpha_bar[t].sqrt(), (1 - alpha_bar[t]).sqrt()
    s = added / (kept + added)

    def times(weight, x):
        return torch.einsum("b,b...->b...", weight, x)

    x0 = times(1 / kept, x_t - times(added, eps))
    return s, times(1 - s, x0) + times(s, eps), eps - x0


def my_ode_log_p(sigma, u, div):
    total = torch.zeros(len(u), dtype=u.dtype)
    for k in range(len(sigma) - 1):
        total += (sigma[k + 1] - sigma[k]) * (div[k] + div[k + 1]) / 2
    return total + torch.distributions.Normal(0.0, sigma[-1]).log_prob(u).reshape(len(u), -1).sum(1)
