"""Pictures on the page, and words for those who do not see them."""

import base64
import html
import io
import re

import pytest
from helpers import refused, scans
from PIL import Image

from course.viz import animate, curves, show, to_png

X = [0.0, 1.0, 2.0, 3.0]


@pytest.fixture
def page(monkeypatch):
    """All that is put on the page: a list of {kind: content}."""
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data) or raw or pytest.fail("raw"))
    return outputs


@pytest.mark.parametrize(
    ("thing", "kind"),
    [(curves(X, {"a": X}), "png"), (to_png(curves(X, {"a": X})), "png"), (animate([scans(2), -scans(2)]), "gif")],
    ids=["figure", "png", "gif"],
)
def test_show_puts_the_picture_and_its_words_on_the_page(thing, kind, page):
    alt = 'At SNR < 0.1 "even" the best guesser fails & we see it'
    show(thing, alt=alt)
    (output,) = page
    source = re.search(rf'src="data:image/{kind};base64,([^"]+)"', output["text/html"]).group(1)
    content = base64.b64decode(source)
    if isinstance(thing, bytes):
        assert content == thing
    assert Image.open(io.BytesIO(content)).format.lower() == kind
    assert html.unescape(re.search(r'alt="([^"]*)"', output["text/html"]).group(1)) == alt
    assert alt in output["text/plain"]


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_show_without_words_is_refused(alt, page):
    with refused(ValueError, "alt must say"):
        show(curves(X, {"a": X}), alt=alt)
    assert page == []
