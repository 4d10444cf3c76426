"""The controls of a question. Core ipywidgets 7.7 and 8 only.

A control has `box` (the widget), `speak(language)`, `read()` (the answer as it would be typed), `write(answer)`, and
`watch(changed, entered)`: what to call when the answer changes, and when it is entered with the Enter key.
"""

from html import escape

import ipywidgets

from course.teaching.language import say
from course.teaching.quiz import marking

WIDE = {"width": "auto", "max_width": "100%"}


def example(question):
    """An answer that has the right form and says nothing: "a", "ab", "dcba", 0.5, "..."."""
    letters = "".join(question.letters)
    return {"choice": "a", "several": "ab", "order": letters, "number": "0.5", "text": "..."}[question.kind]


class Radio:
    """One of several options."""

    def __init__(self, question):
        self.question = question
        self.box = ipywidgets.RadioButtons(options=question.letters, layout=WIDE)
        self.box.value = None

    def speak(self, language):
        chosen = self.box.value
        self.box.options = [(f"{o['id']}) {o['text'][language]}", o["id"]) for o in self.question.options]
        self.box.value = chosen

    def read(self):
        return self.box.value or ""

    def write(self, answer):
        self.box.value = marking.letters_of(self.question, answer)[0]

    def watch(self, changed, entered):
        self.box.observe(lambda _: changed(), names="value")


class Boxes:
    """Any of several options."""

    def __init__(self, question):
        self.question = question
        self.boxes = {letter: ipywidgets.Checkbox(indent=False, layout=WIDE) for letter in question.letters}
        self.box = ipywidgets.VBox(list(self.boxes.values()))

    def speak(self, language):
        for option in self.question.options:
            self.boxes[option["id"]].description = f"{option['id']}) {option['text'][language]}"

    def read(self):
        return "".join(letter for letter, box in self.boxes.items() if box.value)

    def write(self, answer):
        chosen = marking.letters_of(self.question, answer)
        for letter, box in self.boxes.items():
            box.value = letter in chosen

    def watch(self, changed, entered):
        for box in self.boxes.values():
            box.observe(lambda _: changed(), names="value")


class Line:
    """A line to type in; above it, for an order, what is to be ordered."""

    def __init__(self, question):
        self.question = question
        self.line, self.list = (
            ipywidgets.Text(layout={"width": "22em"}, style={"description_width": "initial"}),
            ipywidgets.HTML(),
        )
        self.box = ipywidgets.VBox([self.list, self.line] if question.options else [self.line])

    def speak(self, language):
        rows = "".join(f"<li>{o['id']}) {escape(o['text'][language])}</li>" for o in self.question.options)
        self.list.value = f"<ul style='list-style: none; margin: 0'>{rows}</ul>"
        self.line.description = say("question.answer", language)

    def read(self):
        return self.line.value

    def write(self, answer):
        self.line.value = str(answer)

    def watch(self, changed, entered):
        self.line.observe(lambda _: changed(), names="value")
        # `on_submit` is gone from ipywidgets 8; the message that it stood for is not
        self.line.on_msg(lambda _, content, buffers: content.get("event") == "submit" and entered())


CONTROLS = {"choice": Radio, "several": Boxes, "order": Line, "number": Line, "text": Line}
