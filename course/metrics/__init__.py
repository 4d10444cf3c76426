"""How good, how varied, how copied: distances between sets of samples, always with a spread."""

from course.metrics.copies import COPY, nearest
from course.metrics.distances import frechet, kid, pca, w1
from course.metrics.intervals import bootstrap, frechet_interval

__all__ = ["COPY", "bootstrap", "frechet", "frechet_interval", "kid", "nearest", "pca", "w1"]
