"""The slider: number, label and picture move together, by whatever is touched."""

import base64
import html
import io
import re

import ipywidgets
import pytest
from helpers import refused, scans
from PIL import Image

from course.viz import pictures, to_png
from course.viz.widgets import scrub, typed

FRAMES = [to_png(pictures(scans(2) * k / 3), dpi=20) for k in range(4)]
LABELS = [f"t = {k}" for k in range(4)]


def parts(box):
    """Slider, number, label and picture of a scrubbing box, wherever they stand."""

    def below(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from below(child)

    found = [*below(box)]
    label, picture = (widget for widget in found if type(widget) is ipywidgets.HTML)
    slider, number = (
        next(widget for widget in found if type(widget) is kind)
        for kind in (ipywidgets.IntSlider, ipywidgets.BoundedIntText)
    )
    return slider, number, label, picture


def images(page):
    """(bytes, alt) of the pictures in a piece of HTML."""
    found = re.findall(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]*)"', page)
    return [(base64.b64decode(data), html.unescape(alt)) for data, alt in found]


def shown(picture):
    [(data, _)] = images(picture.value)
    return data


def test_the_first_frame_is_there_before_anything_moves():
    slider, number, label, image = parts(scrub(FRAMES, LABELS, "time"))
    assert (slider.value, number.value) == (0, 0)
    assert shown(image) == FRAMES[0]
    assert LABELS[0] in label.value


@pytest.mark.parametrize("moved", ["slider", "number"])
def test_slider_number_label_and_picture_move_together(moved):
    slider, number, label, image = parts(scrub(FRAMES, LABELS, "time"))
    for k in (3, 1, 2, 0):
        (slider if moved == "slider" else number).value = k
        assert (slider.value, number.value) == (k, k)
        assert shown(image) == FRAMES[k]
        assert LABELS[k] in label.value


def test_it_can_start_anywhere_and_stays_within_the_frames():
    slider, number, _, image = parts(scrub(FRAMES, LABELS, "time", start=2))
    assert shown(image) == FRAMES[2]
    assert (slider.min, slider.max) == (number.min, number.max) == (0, 3)
    number.value = 99
    assert slider.value == 3
    assert shown(image) == FRAMES[3]


def test_figures_are_rendered_once_beforehand(monkeypatch):
    from course import viz

    figures = [pictures(scans(2)), pictures(-scans(2))]
    slider, _, _, image = parts(scrub(figures, LABELS[:2], "time"))
    before = shown(image)
    monkeypatch.setattr(viz, "to_png", None)
    slider.value = 1
    assert shown(image) != before
    assert Image.open(io.BytesIO(shown(image))).format == "PNG"


def test_the_slider_says_what_moves_and_screen_readers_hear_the_label():
    slider, number, label, _ = parts(scrub(FRAMES, LABELS, "noise level"))
    assert slider.description == "noise level"
    assert number.description
    assert "aria-live='polite'" in label.value


def test_labels_are_text_and_no_markup():
    _, _, label, _ = parts(scrub(FRAMES[:1], ["a<b & c"], "time"))
    assert html.escape("a<b & c") in label.value


def test_two_sliders_do_not_disturb_each_other():
    one, other = parts(scrub(FRAMES, LABELS, "one")), parts(scrub(FRAMES, LABELS, "other"))
    one[0].value = 2
    assert shown(other[3]) == FRAMES[0]


@pytest.mark.parametrize(("frames", "labels"), [(FRAMES, LABELS[:3]), (FRAMES[:3], LABELS), ([], []), ([], LABELS)])
def test_a_frame_without_a_label_is_refused(frames, labels):
    with refused(ValueError, f"{len(frames)} frames and {len(labels)} labels"):
        scrub(frames, labels, "time")


def test_a_typed_line_is_answered_with_every_key_and_its_answer_is_plain_text():
    line, said = typed(lambda text: f"{len(text)} letters in <{text}>", "Prompt", "ring").children
    assert (line.value, line.description) == ("ring", "Prompt:")
    assert "4 letters in &lt;ring&gt;" in said.value
    line.value = "rings"
    assert "5 letters in &lt;rings&gt;" in said.value
    assert "aria-live" in said.value


def test_the_picture_has_words_for_those_who_do_not_see_it():
    labels = ['SNR < 1, "even"', *LABELS[1:]]
    slider, _, _, picture = parts(scrub(FRAMES, labels, "noise"))
    for k in (0, 2):
        slider.value = k
        assert images(picture.value) == [(FRAMES[k], f"noise: {labels[k]}")]


@pytest.mark.parametrize(
    ("label", "named"),
    [
        ("t = 300, linear: signal 0.4", "t = 300"),
        ("SNR 0.32 (-5 dB): the reader says 3", "SNR 0.32 (-5 dB)"),
        ("back by 5 steps, to t = 295; dashed: exact", "back by 5 steps"),
        ("5 calls: DDIM", "5 calls"),
        ("t = 7", "t = 7"),
        ("1,000 steps; all", "1,000 steps"),
        ("a label without end " * 5, "angle"),
        ("", "angle"),
    ],
)
def test_the_number_field_says_what_it_stands_for(label, named):
    _, number, _, _ = parts(scrub(FRAMES, [label, *LABELS[1:]], "angle"))
    assert number.description == f"{named}; picture, of 3:"
    number.value = 2
    assert number.description == "t = 2; picture, of 3:"


@pytest.mark.parametrize(("count", "left"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (4, [0, 1, 3])])
def test_without_a_kernel_the_first_the_middle_and_the_last_frame_are_shown(count, left):
    bundle = scrub(FRAMES[:count], LABELS[:count], "time", start=count - 1)._repr_mimebundle_()
    assert images(bundle["text/html"]) == [(FRAMES[k], f"time: {LABELS[k]}") for k in left]
    assert [line.strip() for line in bundle["text/plain"].splitlines()] == ["time", *(LABELS[k] for k in left)]
    assert "Run this cell again." in bundle["text/html"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]


def test_a_typed_line_says_the_same_without_a_kernel():
    box = typed(lambda text: f"{len(text)} letters in <{text}>", "Prompt", "ring")
    box.children[0].value = "rings"
    bundle = box._repr_mimebundle_()
    assert bundle["text/plain"] == "Prompt: rings\n5 letters in <rings>"
    assert "<p>5 letters in &lt;rings&gt;</p>" in bundle["text/html"]


def test_a_line_for_a_dead_widget_comes_beside_each(monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data))
    scrub(FRAMES, LABELS, "time")._ipython_display_()
    assert [[*output] for output in outputs][1] == ["text/html"]
    assert "Run this cell again." in outputs[1]["text/html"]
