"""Data: sets as tensors in [-1, 1], batches by their number, downloads that are whole or not there."""

from course.data.downloads import DOWNLOADS, DataError
from course.data.sets import SPLITS, batches, load, photo

__all__ = ["DOWNLOADS", "SPLITS", "DataError", "batches", "load", "photo"]
