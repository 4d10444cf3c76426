"""What a learner has done, lesson by lesson, where to go on, and what to repeat. No torch is needed."""

import unicodedata
from dataclasses import dataclass
from html import escape

from course.teaching import events, quiz
from course.teaching.exercises.feedback import POINTS
from course.teaching.language import say, spoken
from course.viz import html

COLUMNS = ("lesson", "questions", "exercises", "points")


@dataclass(frozen=True)
class Lesson:
    """How far a lesson is: what is right of how many, and the points."""

    number: str
    title: str
    questions: tuple  # (right, of all)
    exercises: tuple
    points: tuple
    open: tuple = ()  # the ids of what is not right yet

    @property
    def begun(self):
        """Whether anything in it is right."""
        return self.points[0] > 0

    @property
    def done(self):
        """Whether everything in it is right."""
        return self.points[0] == self.points[1]

    @property
    def cells(self):
        """The row of the table, as texts."""
        pairs = (self.questions, self.exercises, self.points)
        return (f"{self.number} {self.title}", *(say("progress.of", mine=mine, all=whole) for mine, whole in pairs))


@dataclass(frozen=True)
class Overview:
    """All lessons; `ahead`: the lesson to go on with, None when all is done; `due`: the questions to repeat."""

    lessons: tuple
    ahead: Lesson | None
    due: tuple

    def __str__(self):
        rows = [_heads(), *(lesson.cells for lesson in self.lessons)]
        wide = [max(_width(row[k]) for row in rows) for k in range(len(COLUMNS))]
        lines = [
            "  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, wide, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, "", *self.advice()])

    def advice(self):
        """Where to go on, and what to repeat: one or two sentences."""
        if self.ahead is None:
            yield say("progress.done")
        else:
            yield say("progress.ahead", number=self.ahead.number, title=self.ahead.title)
            if self.ahead.begun:
                shown, rest = self.ahead.open[:6], len(self.ahead.open[6:])
                yield say("progress.open-more" if rest else "progress.open", ids=", ".join(shown), more=rest)
        if self.due:
            yield say("progress.due", ids=", ".join(self.due))

    def _repr_html_(self):
        advice = "".join(f"<p>{escape(line)}</p>" for line in self.advice())
        return html.table(_heads(), [lesson.cells for lesson in self.lessons]) + advice


def _width(text):
    """The columns that a text takes in a terminal: Hangul is twice as wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _heads():
    return [say(f"progress.{column}") for column in COLUMNS]


def overview(found=None, now=None):
    """The Overview of a list of events, of all that are kept where none is given. Raises OSError.

    What is marked `further` does not count, and neither does an id that no file has any more.
    """
    found = events.events() if found is None else found
    best, lessons = events.best(found), []
    for number in quiz.lessons():
        questions = {id: question for id, question in quiz.load(number).items() if not question.further}
        names = [id for id, entry in quiz.exercises(number).items() if not entry.get("further")]
        worth = {id: question.points for id, question in questions.items()} | dict.fromkeys(names, POINTS)
        got = {id: min(best.get(id, 0), points) for id, points in worth.items()}
        pairs = [(sum(got[id] == worth[id] for id in ids), len(ids)) for ids in (questions, names)]
        title = spoken(quiz.title(number))
        missing = tuple(id for id in worth if got[id] < worth[id])
        lessons.append(Lesson(number, title, *pairs, (sum(got.values()), sum(worth.values())), missing))
    begun = [k for k, lesson in enumerate(lessons) if lesson.begun]
    unfinished = [lesson for lesson in lessons[max(begun, default=0) :] + lessons if not lesson.done]
    known = {id for number in quiz.lessons() for id in quiz.load(number)}
    due = tuple(id for id in events.due(found, now) if id in known)
    return Overview(tuple(lessons), unfinished[0] if unfinished else None, due)
