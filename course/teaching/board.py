"""The overview on the page, with a button that looks again."""

from html import escape

import ipywidgets

from course.teaching.language import say
from course.teaching.overview import overview
from course.viz import html


def my_progress():
    """A table of what is done, where to go on and what to repeat, with a button that looks again. Lesson 00."""
    return Board()


class Board(html.OnPage):
    """The overview on the page; `.box` is its widget."""

    def __init__(self):
        self.table, button = (
            ipywidgets.HTML(),
            ipywidgets.Button(description=say("progress.look"), layout={"width": "10em"}),
        )
        button.on_click(lambda _: self.look())
        self.box = ipywidgets.VBox([self.table, button])
        self.look()

    def look(self):
        """Read anew what is kept."""
        try:
            found = overview()
            self.text, page = str(found), found._repr_html_()
        except OSError as error:
            self.text, page = str(error), f"<p>{escape(str(error))}</p>"
        self.table.value = f"<div role='status'>{page}</div>"

    def page(self):
        """The table as it was looked at last."""
        return f"{self.table.value}<p>{escape(say('progress.run'))}</p>"

    def plain(self):
        """The same as text."""
        return self.text
