"""The picture of a title is put into its notebook, and nothing else in it changes."""

import base64
import io

import nbformat
from PIL import Image
from project import ROOT
from title import put


def test_a_picture_is_put_into_the_title(tmp_path):
    path, image = tmp_path / "lesson.ipynb", Image.new("RGB", (3, 2), "teal")
    before = (ROOT / "notebooks/00_welcome.ipynb").read_text(encoding="utf-8")
    path.write_text(before, encoding="utf-8")
    put(path, "dot.png", image)
    lesson = nbformat.read(path, as_version=4)
    [(name, data)] = lesson.cells[0].attachments.items()
    assert name == "dot.png"
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).tobytes() == image.tobytes()

    lesson.cells[0].attachments = nbformat.reads(before, as_version=4).cells[0].attachments
    assert nbformat.writes(lesson) + "\n" == before
    assert [file.name for file in tmp_path.iterdir()] == ["lesson.ipynb"]
