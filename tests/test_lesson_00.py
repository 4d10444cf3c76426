"""The picture in the title of lesson 00 is what its code draws."""

import base64
import io
import sys

import nbformat
import numpy as np
from conftest import ROOT
from PIL import Image

sys.path.insert(0, str(ROOT / "tools"))
import make_pictures


def test_the_strip_in_the_title_is_drawn_by_the_code():
    title = nbformat.read(ROOT / "notebooks/00_welcome.ipynb", as_version=4).cells[0]
    stored = Image.open(io.BytesIO(base64.b64decode(title.attachments["strip.png"]["image/png"])))
    drawn = make_pictures.welcome_strip()
    assert stored.size == drawn.size
    assert np.abs(np.asarray(stored.convert("L"), int) - np.asarray(drawn.convert("L"), int)).max() <= 2


def test_the_readme_picture_is_drawn_by_the_code():
    stored, drawn = Image.open(ROOT / "docs/noise_to_digits.png"), make_pictures.readme_picture()
    assert stored.size == drawn.size
    assert np.abs(np.asarray(stored.convert("L"), int) - np.asarray(drawn.convert("L"), int)).max() <= 2
