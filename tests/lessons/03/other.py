"""The exercises of lesson 03 once more, written in another way: row by row, in log space, by way of x_0."""

import math

import torch


def my_q_posterior(alpha_bar, x0, x_t, t, s):
    means, stds = [], []
    for k in range(len(x_t)):  # one row at a time: each end says what x_s is, and how sure it is of that
        A, B = alpha_bar[t[k]].item(), alpha_bar[s[k]].item()
        if B == 1:
            means.append(x0[k])
            stds.append(0.0)
            continue
        sure_t, sure_0 = (A / B) / (1 - A / B), 1 / (1 - B)
        means.append((sure_t * x_t[k] / math.sqrt(A / B) + sure_0 * math.sqrt(B) * x0[k]) / (sure_t + sure_0))
        stds.append((sure_t + sure_0) ** -0.5)
    return torch.stack(means), torch.tensor(stds, dtype=x_t.dtype).view(-1, *[1] * (x_t.dim() - 1))


def my_mixture_eps(alpha_bar, x_t, t, means, stds, weights):
    x, m = x_t.double(), means.double()
    a = alpha_bar[t].unsqueeze(1)  # (B, 1)
    v = torch.einsum("bi,k->bk", a, stds.double() ** 2) + (1 - a)
    moved = torch.einsum("bi,kd->bkd", a**0.5, m)
    square = torch.cdist(x.unsqueeze(1), moved).squeeze(1) ** 2  # (B, K)
    log_p = weights.double().log() - 0.5 * (x.size(1) * v.log() + square / v)
    share = torch.exp(log_p - torch.logsumexp(log_p, dim=1, keepdim=True)) / v
    pull = share.sum(1, keepdim=True) * x - torch.einsum("bk,bkd->bd", share, moved)
    return ((1 - a) ** 0.5 * pull).to(x_t.dtype)


def my_ddpm_step(alpha_bar, x_t, t, s, eps, noise, variance):
    def like(a):
        return a.view(a.shape + (1,) * (x_t.dim() - 1))

    A, B = like(alpha_bar[t]), like(alpha_bar[s])
    x0 = (x_t - torch.sqrt(1 - A) * eps) / torch.sqrt(A)
    beta = (B - A) / B
    tilde = beta * (1 - B) / (1 - A)
    mean = torch.sqrt(B) * beta / (1 - A) * x0 + torch.sqrt(A / B) * (1 - B) / (1 - A) * x_t
    spread = torch.sqrt((1 - variance) * tilde + variance * beta)
    return torch.where(like(s) == 0, mean, mean + spread * noise).to(x_t.dtype)
