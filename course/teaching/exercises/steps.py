"""A sampler's step as a function of tensors, every row at its own times: what the exercises on samplers share."""

import torch

from course.samplers import last
from course.schedules import Schedule


def times(generator, rows, T):
    """Pairs t, s (rows,) with 0 <= s < t <= T: at first edges, jumps and one single step, then random ones."""
    t = torch.randint(2, T + 1, (rows,), generator=generator)
    s = (t * torch.rand(rows, generator=generator)).long()
    fixed = torch.tensor([[1, 0], [T, T // 4], [T // 2, T // 2 - 1], [T // 2, 0], [T // 4, 1]])[:rows]
    t[:5], s[:5] = fixed.T
    return t, s


def stepped(walk, alpha_bar, x, t, s, eps, noise, **options):
    """x (B, ...) taken from t (B,) to s (B,) by a sampler, rows of one pair at once, with `noise` for what it draws."""
    return by_pair(lambda *rows: _landed(walk, Schedule(alpha_bar), *rows, options), t, s, x, eps, noise)


def by_pair(step, t, s, *tensors):
    """step(pair, *rows) for the rows (B, ...) of each pair t, s (B,), put together again: (B, ...)."""
    pairs, found = torch.stack([t, s], 1), torch.empty_like(tensors[0])
    for pair in pairs.unique(dim=0):
        rows = (pairs == pair).all(1)
        found[rows] = step(pair, *(tensor[rows] for tensor in tensors))
    return found


def _landed(walk, schedule, pair, x, eps, noise, options):
    """A step is linear, so we step zeros beside x: what is left of them is the std times what was drawn."""
    both, both_eps = torch.stack([x, 0 * x]), torch.stack([eps, 0 * eps])
    generator, twin = (torch.Generator().manual_seed(0) for _ in range(2))
    moved, left = last(walk(lambda *_: both_eps, schedule, both, pair, generator=generator, **options))
    drawn = torch.randn(both.shape, generator=twin, dtype=x.dtype)
    return moved + left / drawn[1] * (noise - drawn[0])
