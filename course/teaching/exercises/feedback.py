"""The card that tells a learner how an exercise went: plain text, or HTML with a figure."""

from dataclasses import dataclass, field, replace
from html import escape

from course.teaching.language import say
from course.viz import html

POINTS = 3  # of each exercise


@dataclass(frozen=True)
class Result:
    """How a check went. `status`: "correct", "not yet", "not attempted" or "error"; `mistake`: the slug of the known
    one that it was; `tested`: ((what, passed), ...); `figure`: yours beside the truth, or None, with its `caption`."""

    id: str
    status: str
    points: int
    out_of: int
    feedback: str
    mistake: str = ""
    tested: tuple = ()
    figure: object = field(default=None, compare=False, repr=False)
    caption: str = ""

    def also(self, words):
        """The same result with something more to say."""
        return replace(self, feedback=f"{self.feedback} {words}")

    def __str__(self):
        rows = [f"  {_passed(passed)}  {what}" for what, passed in self.tested]
        return "\n".join([f"{self.id}: {self._head()}", self.feedback, *rows])

    def _head(self):
        """How it went, in a word, and the points of what was attempted."""
        head = say(f"exercise.{self.status.replace(' ', '-')}")
        if self.status == "not attempted":
            return head
        return f"{head}, {say('exercise.points', points=self.points, out_of=self.out_of)}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/html": self._page()}

    def _page(self):
        head = f"<b>{escape(self.id)}: {self._head()}</b>"
        page = f"<p style='margin: 0'>{head}</p><p style='margin: 0.4em 0'>{escape(self.feedback)}</p>"
        if self.tested:
            rows = "".join(
                f"<li>{_passed(passed) if passed else f'<b>{_passed(passed)}</b>'}: {escape(what)}</li>"
                for what, passed in self.tested
            )
            open_ = "" if self.status == "correct" else " open"
            page += f"<details{open_}><summary>{say('exercise.tested')}</summary><ul>{rows}</ul></details>"
        if self.figure is not None:
            from course.viz.figures import to_png

            picture = html.image(to_png(self.figure, dpi=100), self.caption, style="margin-top: 0.6em")
            page += f"<figure style='margin: 0'>{picture}<figcaption>{escape(self.caption)}</figcaption></figure>"
        edge = {"correct": "#009E73", "not attempted": "#BBBBBB"}.get(self.status, "#D55E00")
        return html.card(page, edge)


def _passed(passed):
    return say("exercise.passed" if passed else "exercise.failed")
