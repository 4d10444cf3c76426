"""How good, how varied, how copied, how likely: distances between sets of samples, always with a spread; densities; and
how straight a flow is."""

from course.metrics.copies import COPY, nearest
from course.metrics.distances import frechet, kid, pca, w1
from course.metrics.intervals import bootstrap, frechet_interval
from course.metrics.likelihood import log_likelihood, path_log_p
from course.metrics.paths import straightness

__all__ = [
    "COPY",
    "bootstrap",
    "frechet",
    "frechet_interval",
    "kid",
    "log_likelihood",
    "nearest",
    "path_log_p",
    "pca",
    "straightness",
    "w1",
]
