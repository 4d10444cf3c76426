"""The controls of a question and the words around them, in both languages. Core ipywidgets 7.7 and 8 only.

A control has `box` (the widget), `speak(language)`, `read()` (the answer as it would be typed), `write(answer)`, and
`watch(changed, entered)`: what to call when the answer changes, and when it is entered with the Enter key.
"""

from html import escape

import ipywidgets

from course.teaching.quiz import marking

WIDE = {"width": "auto", "max_width": "100%"}
SAID = {
    "check": {"en": "Check", "ko": "확인"},
    "note": {"en": "Note my guess", "ko": "예상 적어 두기"},
    "other": {"en": "한국어", "ko": "English"},  # what the switch offers
    "answer": {"en": "Answer:", "ko": "답:"},
    "right": {"en": "Correct.", "ko": "맞았습니다."},
    "wrong": {"en": "Not yet.", "ko": "아직 아닙니다."},
    "points": {"en": "{} of {} points.", "ko": "{}점 / {}점."},
    "noted": {
        "en": "Noted: {}. The run below will tell.",
        "ko": "적어 두었습니다: {}. 아래를 실행하면 알 수 있습니다.",
    },
    "guess": {
        "en": "Your guess was {}. Keep it or change it, then check.",
        "ko": "예상한 답은 {}입니다. 그대로 두거나 고친 다음 확인하세요.",
    },
    "again": {"en": "Try once more.", "ko": "한 번 더 해 보세요."},
    "why": {"en": "Why", "ko": "풀이"},
    "more": {
        "en": "Something that is right is not ticked yet.",
        "ko": "맞는 것 가운데 아직 고르지 않은 것이 있습니다.",
    },
    "told": {
        "en": "Now you know: answer once more for the points, or go on.",
        "ko": "이제 답을 알았습니다. 점수를 받으려면 한 번 더 답하고, 아니면 다음으로 넘어가세요.",
    },
    "solution": {"en": "Answer", "ko": "정답"},
    "order": {"en": "Type the letters in order, such as {}.", "ko": "{}처럼 글자를 순서대로 적으세요."},
    "number": {"en": "Type a number.", "ko": "수를 적으세요."},
    "text": {"en": "Type a word or two.", "ko": "한두 단어로 적으세요."},
    "lost": {"en": "This was not kept: {}", "ko": "기록하지 못했습니다: {}"},
    "typed": {"en": 'Without a mouse: ask("{}", answer={})', "ko": '마우스 없이: ask("{}", answer={})'},
}


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
        self.line.description = SAID["answer"][language]

    def read(self):
        return self.line.value

    def write(self, answer):
        self.line.value = str(answer)

    def watch(self, changed, entered):
        self.line.observe(lambda _: changed(), names="value")
        # `on_submit` is gone from ipywidgets 8; the message that it stood for is not
        self.line.on_msg(lambda _, content, buffers: content.get("event") == "submit" and entered())


CONTROLS = {"choice": Radio, "several": Boxes, "order": Line, "number": Line, "text": Line}
