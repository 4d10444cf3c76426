"""Execute lessons and look at them: python tools/shots.py 01 [02 ...] writes build/shots/NN/*.png and a contact sheet.

Prints the seconds of each code cell above half a second, and the text outputs.
"""

import base64
import io
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FIGURE = re.compile(r'src="data:image/(?:png|gif);base64,([^"]+)"')


def figures(cell):
    """The figures a code cell showed, as PIL images."""
    html = [output.get("data", {}).get("text/html", "") for output in cell.get("outputs", [])]
    return [Image.open(io.BytesIO(base64.b64decode(found))) for page in html for found in FIGURE.findall(page)]


def texts(cell):
    """The plain text a code cell printed."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield output.text
        elif output.output_type == "error":
            yield "\n".join([*output.traceback[-3:], f"{output.ename}: {output.evalue}"])
        elif "text/html" not in output.get("data", {}):
            yield output.get("data", {}).get("text/plain", "")


def contact_sheet(images, path, width=900):
    """All figures of a lesson below each other, scaled to one width."""
    scaled = [image.resize((width, image.height * width // image.width)) for image in images]
    sheet = Image.new("RGB", (width, sum(image.height for image in scaled)), "white")
    top = 0
    for image in scaled:
        sheet.paste(image, (0, top))
        top += image.height
    sheet.save(path)


def shoot(path):
    """Execute one notebook and write its figures."""
    notebook, out = nbformat.read(path, 4), ROOT / "build/shots" / path.stem
    out.mkdir(parents=True, exist_ok=True)
    started, images = {}, []
    client = NotebookClient(notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(out)}})
    client.on_cell_execute = lambda cell, cell_index: started.__setitem__(cell_index, time.perf_counter())
    seconds = {}
    client.on_cell_executed = lambda cell, cell_index, execute_reply: seconds.__setitem__(
        cell_index, time.perf_counter() - started[cell_index]
    )
    client.execute()
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        label = f"--- cell {index} {cell.metadata.get('tags', [])} {seconds.get(index, 0):.1f} s"
        printed = "\n".join(texts(cell)).strip()
        if printed or seconds.get(index, 0) > 0.5:
            print(label, printed, sep="\n")
        for number, image in enumerate(figures(cell)):
            images.append(image.convert("RGB"))
            images[-1].save(out / f"cell{index:03d}_{number}.png")
    if images:
        contact_sheet(images, out / "sheet.png")
    print(f"=== {path.stem}: {sum(seconds.values()):.1f} s in cells, {len(images)} figures in {out}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("COURSE_BUDGET", "quick")
    for name in sys.argv[1:]:
        for lesson in sorted((ROOT / "notebooks").rglob(f"{name}*.ipynb")):
            shoot(lesson)
