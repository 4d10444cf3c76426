"""Interactive forms: a slider over pictures made beforehand, a line to type in. Core ipywidgets 7.7 and 8 only."""

import re
from html import escape

import ipywidgets

from course.viz.figures import to_png
from course.viz.html import FRAMES, RUN_AGAIN, OnPage, image, status

WHOLE = {"description_width": "initial"}  # a name is not cut
SHORT = 30  # letters of a label that name the number field


class Form(OnPage, ipywidgets.VBox):
    """Widgets below each other that say the same without a kernel: `still()` gives (HTML, text)."""

    def __init__(self, children, still):
        super().__init__(children)
        self.still = still

    @property
    def box(self):
        """The widget itself."""
        return self

    def page(self):
        """What a reader without a kernel sees."""
        return f"{self.still()[0]}<p>{RUN_AGAIN}</p>"

    def plain(self):
        """The same as text."""
        return self.still()[1]


def scrub(frames, labels, name, start=0):
    """A slider over `frames` (figures or PNG bytes), with `labels` below; `name` says what moves.

    The slider answers to mouse and arrow keys; the number field beside it has a name for screen readers, which the
    slider lacks: what its label says up to the first comma or colon. Frames are rendered once, so that moving is
    smooth; without a kernel one sees the first, middle and last. Raises ValueError unless each frame has a label.
    """
    if not frames or len(frames) != len(labels):
        raise ValueError(f"each frame needs one label, but there are {len(frames)} frames and {len(labels)} labels")
    images = [frame if isinstance(frame, bytes) else to_png(frame, dpi=100) for frame in frames]
    end = len(images) - 1
    slider = ipywidgets.IntSlider(start, 0, end, description=name, readout=False, style=WHOLE)
    number = ipywidgets.BoundedIntText(start, 0, end, style=WHOLE, layout={"width": "auto"})
    label, picture = ipywidgets.HTML(), ipywidgets.HTML()  # an Image of ipywidgets knows no words
    ipywidgets.link((slider, "value"), (number, "value"))

    def frame(k):
        return image(images[k], f"{name}: {labels[k]}", style="max-width: 100%")

    def draw(_):
        k = slider.value
        number.description = f"{_short(labels[k]) or name}; picture, of {end}:"
        label.value, picture.value = status(labels[k]), frame(k)

    def still():
        shown = sorted({0, end // 2, end})
        page = "".join(f"<figure>{frame(k)}<figcaption>{escape(labels[k])}</figcaption></figure>" for k in shown)
        return f"<div class='{FRAMES}'>{page}</div>", "\n".join([name, *(f"  {labels[k]}" for k in shown)])

    slider.observe(draw, names="value")
    draw(None)
    return Form([ipywidgets.HBox([slider, number]), label, picture], still)


def _short(label):
    """What a label begins with, "t = 300" of "t = 300, linear: signal 0.4"; nothing where that is long."""
    head = re.split(r"[:;,](?=\s|$)", label)[0].strip()
    return head if len(head) <= SHORT else ""


def typed(answer, name, text=""):
    """A line to type in, and below it what `answer(text)` says, renewed with every key; `name` says what is typed."""
    line = ipywidgets.Text(text, description=f"{name}:", layout={"width": "100%"}, continuous_update=True)
    said = ipywidgets.HTML()

    def draw(_):
        said.value = status(answer(line.value))

    def still():
        words = f"{name}: {line.value}", answer(line.value)
        return "".join(f"<p>{escape(part)}</p>" for part in words), "\n".join(words)

    line.observe(draw, names="value")
    draw(None)
    return Form([line, said], still)
