"""The card that tells a learner how an exercise went: plain text, or HTML with a figure."""

from dataclasses import dataclass, field, replace
from html import escape

from course.viz import html

POINTS = 3  # of each exercise


@dataclass(frozen=True)
class Result:
    """How a check went. `status`: "correct", "not yet", "not attempted" or "error"; `mistake`: the slug of the known
    one that it was; `tested`: ((what, passed), ...); `figure`: yours beside the truth, or None."""

    id: str
    status: str
    points: int
    out_of: int
    feedback: str
    mistake: str = ""
    tested: tuple = ()
    figure: object = field(default=None, compare=False, repr=False)

    def also(self, words):
        """The same result with something more to say."""
        return replace(self, feedback=f"{self.feedback} {words}")

    def __str__(self):
        head = f"{self.id}: {self.status}"
        if self.status != "not attempted":
            head += f", {self.points} of {self.out_of} points"
        rows = [f"  {'passed' if passed else 'FAILED'}  {what}" for what, passed in self.tested]
        return "\n".join([head, self.feedback, *rows])

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/html": self._page()}

    def _page(self):
        marks = "".join(f"<li>{'passed' if passed else '<b>failed</b>'}: {escape(w)}</li>" for w, passed in self.tested)
        head = f"<b>{escape(self.id)}: {self.status}</b>"
        if self.status != "not attempted":
            head += f", {self.points} of {self.out_of} points"
        page = f"<p style='margin: 0'>{head}</p><p style='margin: 0.4em 0'>{escape(self.feedback)}</p>"
        if marks:
            open_ = "" if self.status == "correct" else " open"
            page += f"<details{open_}><summary>What was tested</summary><ul>{marks}</ul></details>"
        if self.figure is not None:
            from course.viz.figures import to_png

            picture = html.image(
                to_png(self.figure, dpi=100), "Your answer beside the truth", style="margin-top: 0.6em"
            )
            page += picture
        edge = {"correct": "#009E73", "not attempted": "#BBBBBB"}.get(self.status, "#D55E00")
        return html.card(page, edge)
