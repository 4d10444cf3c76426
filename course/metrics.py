"""How good, how varied, how copied: distances between sets of samples, always with a spread.

Features are rows of numbers (N, D). Sums and roots are taken in float64. Why the intervals differ: a Frechet distance
is biased upwards by about c / N, and resampling with replacement doubles that bias, so its percentile bootstrap
misses the truth; `frechet_interval` removes the bias first.
"""

import torch

COPY = 0.05  # rms per pixel: what lies nearer to a training picture is called a copy, in every lesson


def _features(*sets):
    """The sets in float64. Raises ValueError unless they are (N, D), N >= 2, with one D."""
    for x in sets:
        if x.ndim != 2 or len(x) < 2 or x.shape[1] != sets[0].shape[1]:
            raise ValueError(f"features must be (N, D), N >= 2, with one D; got {[tuple(x.shape) for x in sets]}")
    return [x.detach().double() for x in sets]


def nearest(x, data):
    """Distance, rms per pixel, from each x (B, ...) to the nearest of data (N, ...), and its index: (B,), (B,)."""
    if x.shape[1:] != data.shape[1:]:
        raise ValueError(f"x and data must hold pictures of one shape, not {tuple(x.shape)} and {tuple(data.shape)}")
    # the default way of cdist multiplies matrices and leaves 1e-3 where 0 belongs: too coarse to tell copies
    far = torch.cdist(x.flatten(1), data.flatten(1).to(x), compute_mode="donot_use_mm_for_euclid_dist")  # (B, N)
    distance, index = far.min(1)
    return distance / x[0].numel() ** 0.5, index


def pca(x, k=16):
    """Features of pictures: a function from (B, ...) to (B, k), their place along the first k principal directions
    of the pictures x (N, ...). Raises ValueError where x has fewer than k directions."""
    flat = x.flatten(1)  # (N, D)
    if not 1 <= k <= min(flat.shape):
        raise ValueError(f"{len(x)} pictures of {flat.shape[1]} numbers have no {k} principal directions")
    mean = flat.mean(0)
    directions = torch.linalg.svd((flat - mean).double(), full_matrices=False).Vh[:k].T.to(x)  # (D, k)
    return lambda pictures: (pictures.flatten(1) - mean) @ directions


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
    a, b = _features(a, b)
    cov_a, cov_b = torch.cov(a.T).reshape(a.shape[1], -1), torch.cov(b.T).reshape(a.shape[1], -1)  # (D, D)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T  # (D, D), the symmetric root
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross).item()


def _pick(x, n, replace, generator):
    """n rows of x, drawn with or without replacement."""
    if replace:
        return x[torch.randint(len(x), (n,), generator=generator)]
    return x[torch.randperm(len(x), generator=generator)[:n]]


def frechet_interval(a, b, generator=None, halves=8, resamples=40):
    """Frechet distance without its bias, and an interval of about 95 %: (point, low, high).

    The point is 2 FD(N) - FD(N / 2), halves drawn without replacement; the interval adds two bootstrap spreads on
    either side. Chong, Forsyth 1911.07023 extrapolate so. Raises ValueError for fewer than 4 rows.
    """
    a, b = _features(a, b)
    if min(len(a), len(b)) < 4:
        raise ValueError("an interval needs at least 4 rows in each set")
    half = [
        frechet(_pick(a, len(a) // 2, False, generator), _pick(b, len(b) // 2, False, generator)) for _ in range(halves)
    ]
    point = 2 * frechet(a, b) - sum(half) / halves
    again = torch.tensor(
        [frechet(_pick(a, len(a), True, generator), _pick(b, len(b), True, generator)) for _ in range(resamples)]
    )
    spread = again.std().item()
    return point, point - 2 * spread, point + 2 * spread


def kid(a, b, size=100, subsets=50, generator=None):
    """Kernel distance of features: the unbiased squared MMD with kernel (x.y / D + 1)^3, and its spread over subsets.

    Subsets of `size` rows are drawn without replacement; returns (mean, std over subsets). Binkowski et al.
    1801.01401, sec. 4. Raises ValueError where `size` is below 2 or above the number of rows.
    """
    a, b = _features(a, b)
    if not 2 <= size <= min(len(a), len(b)):
        raise ValueError(f"size must lie between 2 and the {min(len(a), len(b))} rows at hand, not {size}")

    def kernel(x, y):
        return (x @ y.T / a.shape[1] + 1) ** 3  # (size, size)

    def one(x, y):
        xx, yy = kernel(x, x), kernel(y, y)
        within = (xx.sum() - xx.trace() + yy.sum() - yy.trace()) / (size * (size - 1))
        return within - 2 * kernel(x, y).mean()

    values = torch.stack(
        [one(_pick(a, size, False, generator), _pick(b, size, False, generator)) for _ in range(subsets)]
    )
    return values.mean().item(), values.std().item()


def bootstrap(values, statistic=torch.mean, resamples=1000, generator=None):
    """A statistic of values (N, ...) with its 95 % percentile interval: (point, low, high).

    For means, accuracies and shares. Not for a Frechet distance, which it biases: use `frechet_interval`. Raises
    ValueError where there are no values.
    """
    if not len(values):
        raise ValueError("there are no values to draw from")
    values = values.double()
    again = torch.stack([statistic(_pick(values, len(values), True, generator)) for _ in range(resamples)])
    low, high = torch.quantile(again, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return statistic(values).item(), low, high
