"""Put a picture into the title of a lesson; the scripts beside this one draw them."""

import base64
import io

import nbformat

from course.files import write_whole


def put(lesson, name, image):
    """Make `image` (PIL) the one attachment, called `name`, of the first cell of the notebook at the path `lesson`."""
    image.save(buffer := io.BytesIO(), "PNG", optimize=True)
    notebook = nbformat.read(lesson, 4)
    notebook.cells[0]["attachments"] = {name: {"image/png": base64.b64encode(buffer.getvalue()).decode()}}
    write_whole(lesson, nbformat.writes(notebook) + "\n")
