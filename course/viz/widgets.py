"""Interactive forms: a slider over pictures made beforehand, a line to type in. Core ipywidgets 7.7 and 8 only."""

import ipywidgets

from course.viz.figures import to_png
from course.viz.html import status


def scrub(frames, labels, name, start=0):
    """A slider over `frames` (figures or PNG bytes), with `labels` below; `name` says what moves.

    The slider answers to mouse and arrow keys; the number field beside it has a name for screen readers, which the
    slider lacks. Frames are rendered once, so that moving is smooth. Raises ValueError unless each frame has a label.
    """
    if not frames or len(frames) != len(labels):
        raise ValueError(f"each frame needs one label, but there are {len(frames)} frames and {len(labels)} labels")
    images = [frame if isinstance(frame, bytes) else to_png(frame, dpi=100) for frame in frames]
    end = len(images) - 1
    slider = ipywidgets.IntSlider(
        start, 0, end, description=name, readout=False, style={"description_width": "initial"}
    )
    whole = {"description_width": "initial"}  # a name is not cut
    number = ipywidgets.BoundedIntText(start, 0, end, description=f"picture, of {end}:", style=whole)
    number.layout.width = "190px"
    label = ipywidgets.HTML()
    image = ipywidgets.Image(format="png", layout={"max_width": "100%"})
    ipywidgets.link((slider, "value"), (number, "value"))

    def draw(_):
        image.value = images[slider.value]
        label.value = status(labels[slider.value])

    slider.observe(draw, names="value")
    draw(None)
    return ipywidgets.VBox([ipywidgets.HBox([slider, number]), label, image])


def typed(answer, name, text=""):
    """A line to type in, and below it what `answer(text)` says, renewed with every key; `name` says what is typed."""
    line = ipywidgets.Text(text, description=f"{name}:", layout={"width": "100%"}, continuous_update=True)
    said = ipywidgets.HTML()

    def draw(_):
        said.value = status(answer(line.value))

    line.observe(draw, names="value")
    draw(None)
    return ipywidgets.VBox([line, said])
