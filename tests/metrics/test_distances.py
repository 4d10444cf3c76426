"""Distances: against closed forms, against scipy, and by hand."""

import numpy as np
import pytest
import torch
from helpers import double, normal, refused, scans, seeded

from course.metrics import frechet, kid, pca, w1


def exactly(mean, cov, n=50):
    """Rows (n, D) whose mean and covariance are exactly these."""
    x = normal(n, len(mean))
    x = x - x.mean(0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T))).T @ torch.linalg.cholesky(cov).T + mean


def test_frechet_of_gaussians_with_diagonal_covariances_is_the_closed_form():
    m_a, m_b, s_a, s_b = double([1.0, 2, 3]), double([0.0, 2, 5]), double([1.0, 2, 0.5]), double([3.0, 2, 1])
    expected = (m_a - m_b).square().sum() + (s_a - s_b).square().sum()
    found = frechet(exactly(m_a, s_a.square().diag()), exactly(m_b, s_b.square().diag()))
    assert found == pytest.approx(expected.item(), rel=1e-9)


@pytest.mark.parametrize("d", [1, 2, 16])
def test_frechet_equals_the_formula_with_scipys_square_root(d):
    from scipy.linalg import sqrtm

    a, b = normal(80, d, seed=1) @ normal(d, d, seed=2) + 1, normal(60, d, seed=3) @ normal(d, d, seed=4)
    cov_a, cov_b = np.atleast_2d(np.cov(a.numpy().T)), np.atleast_2d(np.cov(b.numpy().T))
    between = ((a.mean(0) - b.mean(0)) ** 2).sum().item()
    expected = between + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)
    assert frechet(a, b) == pytest.approx(expected, rel=1e-8)
    assert frechet(b, a) == pytest.approx(expected, rel=1e-8)


def test_frechet_of_a_set_with_itself_is_0_and_moving_it_costs_the_square():
    a = normal(40, 5)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, a + 3) == pytest.approx(5 * 9, rel=1e-9)
    assert frechet(a.float(), a.float() + 3) == pytest.approx(45, rel=1e-5)


def test_frechet_with_fewer_rows_than_features_is_no_trouble():
    a, b = normal(10, 64), normal(12, 64, seed=1)
    assert 0 < frechet(a, b) < 500
    assert frechet(a, a) == pytest.approx(0, abs=1e-4)  # roots of eigenvalues that rounding left instead of 0


def test_kid_is_the_mean_over_pairs_of_different_rows():
    a, b = normal(6, 3), normal(6, 3, seed=1)

    def kernel(x, y):
        return (x @ y / 3 + 1).item() ** 3

    pairs = [(i, j) for i in range(6) for j in range(6)]
    within = sum(kernel(x[i], x[j]) for x in (a, b) for i, j in pairs if i != j) / 30
    between = sum(kernel(a[i], b[j]) for i, j in pairs) / 36
    found, spread = kid(a, b, size=6, subsets=4)
    assert found == pytest.approx(within - 2 * between, rel=1e-10)
    assert spread == pytest.approx(0, abs=1e-12)  # every subset is the whole


def test_kid_of_equal_distributions_is_0_on_average():
    values = double([kid(normal(200, 8, seed=2 * i), normal(200, 8, seed=2 * i + 1), subsets=10)[0] for i in range(60)])
    assert abs(values.mean()) < 4 * values.std() / 60**0.5
    assert values.min() < 0 < values.max()
    far = normal(200, 8, seed=1) + 0.5
    assert kid(normal(200, 8), far)[0] > 5 * values.std()


def test_kid_follows_its_seed():
    a, b = normal(150, 4), normal(150, 4, seed=1)
    assert kid(a, b, generator=seeded(1)) == kid(a, b, generator=seeded(1)) != kid(a, b, generator=seeded(2))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0.0, 1, 2], [0.0, 1, 2], 0),
        ([0.0, 1, 2], [2.0, 0, 1], 0),
        ([0.0, 1, 2], [5.0, 6, 7], 5),
        ([0.0, 0, 0], [1.0, 2, 3], 2),
        ([0.0, 4], [1.0, 1], 2),
        ([3.0], [1.0, 1, 2, 8], 2.5),
        ([0.0, 1], [0.0, 0, 1, 1], 0),
        ([0.0, 1], [0.0, 0, 1], 1 / 6),
    ],
)
def test_w1_of_a_few_points_worked_by_hand(a, b, expected):
    assert w1(torch.tensor(a), torch.tensor(b)) == pytest.approx(expected, abs=1e-12)
    assert w1(torch.tensor(b)[:, None], torch.tensor(a)[:, None]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(100, 100), (100, 70), (1, 50), (60, 120)])
def test_w1_of_different_sizes_is_that_of_both_repeated_to_one_size(n, m):
    a, b = normal(n), 2 * normal(m, seed=1) + 0.5
    pairs = a.repeat(m).sort().values - b.repeat(n).sort().values
    assert w1(a, b) == pytest.approx(pairs.abs().mean().item(), rel=1e-10)


def test_w1_of_wide_and_narrow_gaussians_is_the_closed_form():
    narrow, wide = normal(100_000), 3 * normal(100_000, seed=1)
    assert w1(narrow, wide) == pytest.approx(2 * (2 / np.pi) ** 0.5, rel=0.02)


def test_pca_features_are_uncorrelated_and_their_variances_the_largest_eigenvalues():
    x = scans()  # (40, 1, 8, 8)
    features = pca(x, 5)
    found = features(x)
    assert found.shape == (40, 5)
    values = torch.linalg.eigvalsh(torch.cov(x.flatten(1).T)).flip(0)[:5]
    torch.testing.assert_close(torch.cov(found.T), values.diag(), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.mean(0), torch.zeros(5).double(), rtol=0, atol=1e-9)
    other = normal(7, 1, 8, 8)
    torch.testing.assert_close(features(other[3:5]), features(other)[3:5])  # each picture for itself
    torch.testing.assert_close(pca(x, 3)(other).abs(), features(other)[:, :3].abs())


def test_pca_in_all_directions_keeps_every_distance():
    x, other = normal(30, 2, 3), normal(5, 2, 3, seed=1)
    torch.testing.assert_close(torch.pdist(pca(x, 6)(other)), torch.pdist(other.flatten(1)))
    assert (torch.pdist(pca(x, 2)(other)) < torch.pdist(other.flatten(1))).all()
    assert pca(x.float(), 2)(other.float()).dtype == torch.float32


ROWS_OF_3 = normal(20, 3)


WRONG = {
    "pictures as features": (r"\(N, D\).*\[\(40, 1, 8, 8\)", lambda: frechet(scans(), scans())),
    "features of two sizes": (r"one D", lambda: frechet(ROWS_OF_3, normal(20, 4))),
    "one row": (r"N >= 2", lambda: frechet(ROWS_OF_3, ROWS_OF_3[:1])),
    "one row, kid": (r"N >= 2", lambda: kid(ROWS_OF_3[:1], ROWS_OF_3)),
    "subsets too large": ("between 2 and the 20 rows", lambda: kid(ROWS_OF_3, ROWS_OF_3)),
    "subsets too small": ("between 2 and the 20 rows", lambda: kid(ROWS_OF_3, ROWS_OF_3, size=1)),
    "a plane for a line": (r"line.*\(20, 3\)", lambda: w1(ROWS_OF_3, ROWS_OF_3)),
    "more directions than pictures": (r"3 pictures of 64 numbers have no 4", lambda: pca(scans(3), 4)),
    "more directions than numbers": (r"20 pictures of 3 numbers have no 4", lambda: pca(ROWS_OF_3, 4)),
    "no directions": (r"no 0 principal directions", lambda: pca(ROWS_OF_3, 0)),
    "an empty cloud": (r"\(0,\)", lambda: w1(torch.zeros(0), torch.zeros(3))),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_measured_is_refused(name):
    words, call = WRONG[name]
    with refused(ValueError, words):
        call()
