"""Data: sets as tensors in [-1, 1], batches by their number, downloads that are whole or not there."""

from course.data.downloads import DataError, reachable
from course.data.sets import SPLITS, batches, load, photo

__all__ = ["SPLITS", "DataError", "batches", "load", "photo", "reachable"]
