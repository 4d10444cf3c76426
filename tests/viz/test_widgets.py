"""The slider: number, label and picture move together, by whatever is touched."""

import html
import io

import ipywidgets
import pytest
from helpers import refused, scans
from PIL import Image

from course.viz import pictures, to_png
from course.viz.widgets import scrub, typed

FRAMES = [to_png(pictures(scans(2) * k / 3), dpi=20) for k in range(4)]
LABELS = [f"t = {k}" for k in range(4)]


def parts(box):
    """Slider, number, label and image of a scrubbing box, wherever they stand."""

    def below(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from below(child)

    kinds = (ipywidgets.IntSlider, ipywidgets.BoundedIntText, ipywidgets.HTML, ipywidgets.Image)
    return [next(widget for widget in below(box) if type(widget) is kind) for kind in kinds]


def test_the_first_frame_is_there_before_anything_moves():
    slider, number, label, image = parts(scrub(FRAMES, LABELS, "time"))
    assert (slider.value, number.value) == (0, 0)
    assert bytes(image.value) == FRAMES[0]
    assert LABELS[0] in label.value


@pytest.mark.parametrize("moved", ["slider", "number"])
def test_slider_number_label_and_picture_move_together(moved):
    slider, number, label, image = parts(scrub(FRAMES, LABELS, "time"))
    for k in (3, 1, 2, 0):
        (slider if moved == "slider" else number).value = k
        assert (slider.value, number.value) == (k, k)
        assert bytes(image.value) == FRAMES[k]
        assert LABELS[k] in label.value


def test_it_can_start_anywhere_and_stays_within_the_frames():
    slider, number, _, image = parts(scrub(FRAMES, LABELS, "time", start=2))
    assert bytes(image.value) == FRAMES[2]
    assert (slider.min, slider.max) == (number.min, number.max) == (0, 3)
    number.value = 99
    assert slider.value == 3
    assert bytes(image.value) == FRAMES[3]


def test_figures_are_rendered_once_beforehand(monkeypatch):
    from course import viz

    figures = [pictures(scans(2)), pictures(-scans(2))]
    slider, _, _, image = parts(scrub(figures, LABELS[:2], "time"))
    before = bytes(image.value)
    monkeypatch.setattr(viz, "to_png", None)
    slider.value = 1
    assert bytes(image.value) != before
    assert Image.open(io.BytesIO(image.value)).format == "PNG"


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
    assert bytes(other[3].value) == FRAMES[0]


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
