"""Figures: every colour in its role, every mark in its place."""

import inspect
import io
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from helpers import normal, refused, scans
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from course import viz
from course.viz import COLOURS, bars, curves, figures, panels, pictures, points, to_png

PNG = b"\x89PNG\r\n\x1a\n"


X = [0.0, 1.0, 2.0, 3.0]


def colour(mark):
    return to_hex(mark).upper()


FIGURES = {
    "pictures": lambda ax=None: pictures(scans(4), ["a", "b", "c", "d"], ["row"], "Four scans", ax=ax),
    "rows of pictures": lambda ax=None: pictures([scans(4), scans(3)], ax=ax),
    "curves": lambda ax=None: curves(X, {"a": X, "b": X[::-1]}, {"exact": X}, {"a": (X, X)}, {"m": (X, X)}, ax=ax),
    "curves, legend": lambda ax=None: curves(X, {"a": X}, legend=True, dots={"a": (X, X)}, logy=True, logx=True, ax=ax),
    "bars": lambda ax=None: bars({"a": 1, "b": 2}, {"a": 0.1, "b": 0.2}, ("floor", 1.5), digits=1, ax=ax),
    "points": lambda ax=None: points({"real": normal(9, 2), "drawn": normal(9, 2)}, limit=3, title="Clouds", ax=ax),
}


def test_the_package_offers_every_figure():
    own = {
        name for name, part in inspect.getmembers(figures, inspect.isfunction) if part.__module__ == figures.__name__
    }
    assert {name for name in own if name[0] != "_"} | {"COLOURS"} == {*viz.FIGURES}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_renders(name):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    image = Image.open(io.BytesIO(to_png(figure, dpi=50)))
    assert to_png(figure).startswith(PNG)
    assert np.asarray(image.convert("L")).std() > 5  # something is on it
    assert image.getpixel((0, 0))[:3] == (255, 255, 255)  # white, so that it is readable on a dark page


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_drawn_into_a_panel(name):
    figure, axes = panels(2, 1)
    assert len(axes) == 2
    assert FIGURES[name](ax=axes[1]) is figure
    assert not axes[0].has_data()
    assert axes[1].has_data()


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_figures_for_slides_are_narrower_so_that_letters_are_larger(draw, monkeypatch):
    """As many dots across, so that over the 1184 pixels of a slide nine points are 24 pixels; pictures stay whole."""
    page = Image.open(io.BytesIO(to_png(draw())))
    monkeypatch.setenv("COURSE_FIGURES", "slides")
    figure = draw()
    slide = Image.open(io.BytesIO(to_png(figure)))
    assert slide.width == pytest.approx(page.width, abs=2)
    assert slide.height > page.height * 0.8
    letters = min(1184 / figure.get_figwidth(), 620 / figure.get_figheight()) * 9 / 72  # pixels, on a slide of its own
    assert letters >= (24 if figure.get_figheight() < 3.2 else 18)
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert {round(text.get_fontsize()) for text in texts} <= {9}


def test_a_high_figure_keeps_its_width_on_slides(monkeypatch):
    monkeypatch.setenv("COURSE_FIGURES", "slides")
    assert panels(height=2.8)[0].get_figwidth() == pytest.approx(6.1)
    assert panels(height=3.6)[0].get_figwidth() == pytest.approx(3.6 * 1184 / 620)
    assert panels(height=5.0)[0].get_figwidth() == 8


def test_figures_are_eight_inches_wide_and_sharp():
    figure = curves(X, {"a": X})
    assert figure.get_figwidth() == 8
    assert Image.open(io.BytesIO(to_png(figure))).width == 8 * 160


def test_the_colours_are_those_of_the_course():
    assert COLOURS["clean"] == "#0072B2"
    assert COLOURS["noise"] == "#E69F00"
    assert COLOURS["model"] == "#009E73"
    assert COLOURS["truth"] == "#000000"
    assert COLOURS["mistake"] == "#D55E00"
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_titles_and_labels_stand_over_columns_and_before_rows():
    figure = pictures([scans(3), scans(3)], ["0", "500", "1000"], ["linear", "cosine"], "Noise")
    (ax,) = figure.axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "500", "1000"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["linear", "cosine"]
    assert ax.get_xticks().tolist() == [3.5, 12.5, 21.5]  # the middles of three scans, eight pixels wide, one between
    assert ax.get_yticks().tolist() == [3.5, 12.5]
    assert ax.get_title(loc="left") == "Noise"


def test_curves_have_the_colours_of_their_roles_and_the_truth_is_black_and_dashed():
    figure = curves(X, {"data": X, "guess": X[::-1]}, {"exact": X}, roles=("clean", "mistake"), x_label="t", title="A")
    data, guess, exact = figure.axes[0].lines
    assert [colour(line.get_color()) for line in (data, guess, exact)] == ["#0072B2", "#D55E00", "#000000"]
    assert exact.get_linestyle() == "--"
    np.testing.assert_allclose(guess.get_ydata(), X[::-1])
    assert figure.axes[0].get_xlabel() == "t"


def test_curves_do_not_rely_on_colour_alone():
    figure = curves(X, {str(k): [k] * 4 for k in range(6)})
    ax = figure.axes[0]
    looks = {(colour(line.get_color()), str(line.get_linestyle())) for line in ax.lines}
    assert len(looks) == 6
    assert sorted(text.get_text() for text in ax.texts) == [str(k) for k in range(6)]
    named = {text.get_text(): colour(text.get_color()) for text in ax.texts}
    assert all(named[line.get_label()] == colour(line.get_color()) for line in ax.lines)


def test_in_a_legend_lines_differ_by_style_as_well():
    ax = curves(X, {str(k): [k] * 4 for k in range(4)}, legend=True).axes[0]
    assert len({line._unscaled_dash_pattern for line in ax.lines}) == 4  # get_linestyle() calls all dashes "--"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1", "2", "3"]


def test_names_at_the_ends_of_lines_do_not_overlap():
    figure = curves(X, {"one": X, "two": [0, 1, 2, 3.001], "three": [0, 1, 2, 2.999]})
    to_png(figure)
    boxes = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(boxes))


def test_bands_and_dots_are_drawn_in_the_colour_of_their_curve():
    figure = curves(X, {"a": X}, band={"a": (np.array(X) - 1, np.array(X) + 1)}, dots={"a": (X, X)}, roles=("noise",))
    ax = figure.axes[0]
    (band,) = ax.collections
    assert colour(band.get_facecolor()[0]) == COLOURS["noise"]
    assert band.get_paths()[0].vertices[:, 1].min() == -1
    assert colour(ax.lines[1].get_color()) == COLOURS["noise"]


def test_log_axes_are_log():
    ax = curves([1, 10, 100], {"a": [1, 10, 100]}, logx=True, logy=True).axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_bars_show_values_errors_and_the_level_of_the_truth():
    figure = bars(
        {"ddim": 1.5, "ddpm": 2.5}, {"ddim": 0.25, "ddpm": 0.5}, ("floor", 1.0), ("model", "second"), digits=2
    )
    ax = figure.axes[0]
    assert [bar.get_height() for bar in ax.patches] == [1.5, 2.5]
    assert [colour(bar.get_facecolor()) for bar in ax.patches] == [COLOURS["model"], COLOURS["second"]]
    assert {"1.50", "2.50", "floor"} <= {text.get_text() for text in ax.texts}
    (error,) = ax.collections
    np.testing.assert_allclose([segment[:, 1] for segment in error.get_segments()], [[1.25, 1.75], [2, 3]])
    assert any(line.get_linestyle() == "--" and set(line.get_ydata()) == {1.0} for line in ax.lines)


def test_clouds_of_points_have_colours_and_marks_of_their_own():
    figure = points({"real": normal(9, 2), "drawn": normal(5, 2)}, roles=("clean", "model"), limit=2)
    real, drawn = figure.axes[0].collections
    np.testing.assert_allclose(real.get_offsets(), normal(9, 2))
    assert (len(real.get_offsets()), len(drawn.get_offsets())) == (9, 5)
    assert real.get_paths()[0].vertices.shape != drawn.get_paths()[0].vertices.shape
    assert figure.axes[0].get_xlim() == (-2, 2)
    assert figure.axes[0].get_aspect() == 1


def test_an_unknown_role_lists_the_known_ones():
    with refused(ValueError, "'red'.*clean, noise, model"):
        curves(X, {"a": X}, roles=("red",))


def test_figures_need_no_screen_and_stay_out_of_pyplot():
    code = (
        "import sys\nfrom course import viz\nviz.to_png(viz.bars({'a': 1}))\nprint('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
