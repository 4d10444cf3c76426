"""Distances between sets of features, rows of numbers (N, D). Sums and roots are taken in float64: where the
features lie, or on the CPU for MPS, which has none."""

import torch

from course.checks import floating
from course.forward import like
from course.schedules import as_float64


def features(*sets):
    """The sets in float64. Raises ValueError unless they are (N, D), N >= 2, with one D."""
    for x in sets:
        if x.ndim != 2 or len(x) < 2 or x.shape[1] != sets[0].shape[1]:
            raise ValueError(f"features must be (N, D), N >= 2, with one D; got {[tuple(x.shape) for x in sets]}")
    return [as_float64(x.detach()) for x in sets]


def pick(x, n, replace, generator=None):
    """n rows of x, drawn with or without replacement."""
    device = "cpu" if generator is None else generator.device
    if replace:
        rows = torch.randint(len(x), (n,), generator=generator, device=device)
    else:
        rows = torch.randperm(len(x), generator=generator, device=device)[:n]
    return x[rows.to(x.device)]


def pca(x, k=16):
    """Features of pictures: a function from (B, ...) to (B, k), their place along the first k principal directions
    of the pictures x (N, ...). Raises ValueError where x has fewer than k directions."""
    flat = x.flatten(1)  # (N, D)
    if not 1 <= k <= min(flat.shape):
        raise ValueError(f"{len(x)} pictures of {flat.shape[1]} numbers have no {k} principal directions")
    floating(x)
    flat = as_float64(flat)
    mean = flat.mean(0)
    directions = torch.linalg.svd(flat - mean, full_matrices=False).Vh[:k].T  # (D, k)

    def places(pictures):
        floating(pictures)
        dtype = torch.promote_types(pictures.dtype, torch.float32)  # less would leave nothing of a difference
        found = pictures.flatten(1).to(dtype)
        return ((found - like(mean, found)) @ like(directions, found)).to(pictures.dtype)

    return places


def w1(a, b):
    """Wasserstein-1 distance of two clouds on a line, (N,) or (N, 1) and (M,) or (M, 1), exact for any two sizes.

    For equal sizes it is the mean distance of the sorted points. Raises ValueError for clouds that are not on a line.
    """
    from scipy.stats import wasserstein_distance

    for x in (a, b):
        if x.ndim == 0 or not len(x) or x.numel() != len(x):
            raise ValueError(f"w1 compares clouds on a line, (N,) or (N, 1); this one is {tuple(x.shape)}")
    return float(wasserstein_distance(*(x.detach().cpu().double().flatten().numpy() for x in (a, b))))


def frechet(a, b):
    """Frechet distance of the Gaussians fitted to features a (N, D) and b (M, D); biased upwards by about c / N.

    |m_a - m_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2)). Dowson, Landau 1982; called FID only in Inception features.
    """
    a, b = features(a, b)
    cov_a, cov_b = torch.cov(a.T).reshape(a.shape[1], -1), torch.cov(b.T).reshape(a.shape[1], -1)  # (D, D)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T  # (D, D), the symmetric root
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross).item()


def kid(a, b, size=100, subsets=50, generator=None):
    """Kernel distance of features: the unbiased squared MMD with kernel (x.y / D + 1)^3, and its spread over subsets.

    Subsets of `size` rows are drawn without replacement; returns (mean, std over subsets). Binkowski et al.
    1801.01401, sec. 4. Raises ValueError where `size` is below 2 or above the number of rows.
    """
    a, b = features(a, b)
    if not 2 <= size <= min(len(a), len(b)):
        raise ValueError(f"size must lie between 2 and the {min(len(a), len(b))} rows at hand, not {size}")

    def kernel(x, y):
        return (x @ y.T / a.shape[1] + 1) ** 3  # (size, size)

    def one(x, y):
        xx, yy = kernel(x, x), kernel(y, y)
        within = (xx.sum() - xx.trace() + yy.sum() - yy.trace()) / (size * (size - 1))
        return within - 2 * kernel(x, y).mean()

    values = torch.stack(
        [one(pick(a, size, False, generator), pick(b, size, False, generator)) for _ in range(subsets)]
    )
    return values.mean().item(), values.std().item()
