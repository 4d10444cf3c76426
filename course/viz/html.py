"""What goes on the page as HTML: figures with words for those who do not see them, status lines, cards, tables."""

import base64
import re
from functools import cache
from html import escape

from math_core import LatexToMathML


def image(data, alt, width=None, style=""):
    """The bytes of a PNG or GIF as an <img>, the picture inside; `width` in pixels of the page."""
    kind = "gif" if data.startswith(b"GIF") else "png"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    wide = "" if width is None else f" width={width:.0f}"
    return f'<img src="{source}" alt="{escape(alt)}"{wide} style="{style}">'


def status(text):
    """A line that screen readers read out when it changes."""
    return f"<p role='status' aria-live='polite'>{escape(text)}</p>"


@cache
def _to_mathml():
    return LatexToMathML(fancy_error=False)


def formulas(text):
    """Text as HTML, the LaTeX between its dollars as MathML, which a browser sets by itself: Lab, VS Code, Colab.

    Raises math_core.LatexError for LaTeX that cannot be set.
    """
    parts = re.split(r"\$([^$]+)\$", text)
    parts[::2] = map(escape, parts[::2])
    parts[1::2] = [_to_mathml().convert_with_local_state(latex, displaystyle=False) for latex in parts[1::2]]
    return "".join(parts)


def card(page, edge):
    """A piece of HTML with an edge in the colour `edge`, read out when it appears."""
    return f"<div role='status' style='border-left: 4px solid {edge}; padding-left: 0.8em'>{page}</div>"


def table(heads, rows):
    """A table of texts; the first column names the rows."""
    left = "style='text-align: left; padding: 0.2em 1.5em 0.2em 0'"
    head = "".join(f"<th scope='col' {left}>{escape(name)}</th>" for name in heads)
    body = ""
    for first, *rest in rows:
        cells = "".join(f"<td {left}>{escape(cell)}</td>" for cell in rest)
        body += f"<tr><th scope='row' {left}>{escape(first)}</th>{cells}</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def show(fig, alt):
    """Put a figure, or the bytes of a PNG or GIF, on the page, with `alt`, what it shows, for those who do not see it.

    Raises ValueError where alt is empty.
    """
    from IPython.display import display

    from course.viz.figures import to_png

    if not alt.strip():
        raise ValueError("alt must say what a sighted reader would take from the figure")
    data, width = (fig, None) if isinstance(fig, bytes) else (to_png(fig), 100 * fig.get_figwidth())
    page = image(data, alt, width, "max-width:100%;background:#fff")
    display({"text/html": page, "text/plain": f"[figure] {alt}"}, raw=True)


UNSEEN = "course-again"  # the class of the line below, which nobody sees while its widget lives
FRAMES = "course-frames"  # the class of a slider's pictures where nobody can move it
# A widget that has lost its kernel, or its model after a reload, cannot say so: a line of plain HTML beside it does. It
# is unseen until Jupyter marks the widget as cut off, or puts its own short words in the widget's place.
AGAIN = """<style>.jp-OutputArea:has(.jupyter-widgets-disconnected, .jp-OutputArea-output.jupyter-widgets) > * .%s
{display: block !important}</style><p class="%s" role="status" style="display: none">%s</p>"""
RUN_AGAIN = "Run this cell again. / 이 셀을 다시 실행하세요."  # both: nobody is there to ask


class OnPage:
    """What has a widget as `.box`, and the same for a reader without a kernel: `.page()` is HTML, `.plain()` text."""

    def _repr_mimebundle_(self, include=None, exclude=None):
        return bundle(self.box, self.page(), self.plain())

    def _ipython_display_(self):
        from IPython.display import display

        display(self._repr_mimebundle_(), raw=True)
        display({"text/html": AGAIN % (UNSEEN, UNSEEN, RUN_AGAIN)}, raw=True)


def bundle(box, page, text):
    """What Jupyter is told of a widget: the widget where it has one to draw, else HTML, else text."""
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    return {"text/plain": text, "text/html": page, "application/vnd.jupyter.widget-view+json": view}
