"""Questions on the page: the prompt, its controls, a Check button. Core ipywidgets 7.7 and 8; marked in Python."""

import os
import re
from html import escape, unescape

import ipywidgets

from course.teaching import events, quiz
from course.teaching.language import LANGUAGES, language, say
from course.teaching.quiz import marking
from course.teaching.quiz.controls import CONTROLS, WIDE, example
from course.viz import html

TYPED = ("order", "number", "text")  # the kinds whose answer is typed, with a word on how
_tries = {}  # wrong answers to a question since the kernel began
_shown = {}  # the last Asked of a question that marks: a guess that is noted later finds it there


def ask(id, answer=None, *, later=False):
    """Show a question, such as "02-3", with controls and a Check button; with `answer`, typed, mark that at once.

    `later` only notes a guess, before a run that tells; the same question without it, after the run, marks. Answers are
    letters ("b", "ad", "dcab"), a number, or words. The language is that of COURSE_LANG, and a switch. What is answered
    is kept for `python -m course progress`. Raises LookupError for an id that no file has.
    """
    asked = Asked(quiz.find(id), later)
    if answer is not None:
        asked.take(answer)
    return asked


class Asked:
    """A question on the page, and what came of it: `.result` is the last Marked, None before."""

    def __init__(self, question, later=False):
        self.question, self.later, self.result = question, later, None
        self.prompt, self.status = ipywidgets.HTMLMath(), ipywidgets.HTML()
        self.control = CONTROLS[question.kind](question)
        self.button = ipywidgets.Button(layout=WIDE)
        self.switch = ipywidgets.Button(layout=WIDE)
        self.button.on_click(lambda _: self.take(self.control.read()))
        self.switch.on_click(lambda _: self._speak(self._other, keep=True))
        buttons = ipywidgets.HBox([self.button, self.switch])
        self.box = ipywidgets.VBox([self.prompt, self.control.box, buttons, self.status])
        self.said = lambda: ""  # what the status line says, in the language of the moment
        self._speak(language())
        self.control.watch(self._changed, lambda: self.take(self.control.read()))
        if not later:
            _shown[question.id] = self
            self._bring(_last_guess(question))

    def take(self, answer):
        """Mark an answer, or note it as a guess; keep it; and say what there is to say."""
        question = self.question
        try:
            result = marking.mark(question, answer)
        except marking.Unreadable as error:
            text = error.text
            return self._say(lambda: f"<p>{escape(text[self.language])}</p>")
        written = "".join(map(str, answer)) if isinstance(answer, list | tuple | set) else str(answer)
        self._write(written)
        if self.later:
            lost = _keep("guess", question.id, written)
            if question.id in _shown:
                _shown[question.id]._bring(written)
            return self._say(lambda: f"<p>{escape(self._word('noted', answer=written))}</p>{self._lost(lost)}")
        self.result = result
        _tries[question.id] = 0 if result.correct else _tries.get(question.id, 0) + 1
        tell = result.correct or _tries[question.id] >= 2
        lost = _keep("answer", question.id, written, result.points, question.points)
        return self._say(lambda: self._outcome(result, tell) + self._lost(lost))

    def _bring(self, guess):
        """Fill in a guess, where there is one and nothing was marked yet."""
        if guess and self.result is None:
            self._write(guess)
            self._say(lambda: f"<p>{escape(self._word('guess', answer=guess))}</p>")

    def _write(self, answer):
        self.writing = True  # by us, so that the status line stays
        self.control.write(answer)
        self.writing = False

    def _changed(self):
        """Another answer stands there now: what was said of the last one no longer holds."""
        if not self.writing:
            self._say(lambda: "")

    @property
    def _other(self):
        """The language that the switch offers."""
        return next(lang for lang in LANGUAGES if lang != self.language)

    def _word(self, key, **values):
        return say(f"question.{key}", self.language, **values)

    def _speak(self, language, keep=False):
        """Say everything in a language; with `keep`, also the questions that come after."""
        self.language, question = language, self.question
        if keep:
            os.environ["COURSE_LANG"] = language
        how = escape(self._word(question.kind, example=example(question))) if question.kind in TYPED else ""
        self.prompt.value = f"<div><b>{question.id}</b> {escape(question.prompt[language])} <i>{how}</i></div>"
        self.button.description = self._word("note" if self.later else "check")
        self.switch.description = say("language.name", self._other)
        self.writing = True
        self.control.speak(language)
        self.writing = False
        self._say(self.said)

    def _say(self, said):
        self.said = said
        self.status.value = f"<div role='status' aria-live='polite'>{said()}</div>"

    def _lost(self, error):
        return f"<p>{escape(self._word('lost', reason=error))}</p>" if error else ""

    def _outcome(self, result, tell):
        """The status line for an answer: right or not, each feedback, and the explanation or another try."""
        lang, question = self.language, self.question
        head = f"<b>{self._word('right' if result.correct else 'wrong')}</b>"
        lines = [f"{head} {self._word('points', points=result.points, out_of=question.points)}"]
        lines += [escape(text[lang]) for text in result.feedback + (result.missed if tell else ())]
        if tell:
            lines.append(f"<b>{self._word('why')}:</b> {escape(question.explanation[lang])}")
            lines += [] if result.correct else [self._word("told")]
        else:
            lines += [self._word(key) for key in (("more",) if result.missed else ()) + ("again",)]
        return "".join(f"<p>{line}</p>" for line in lines)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return html.bundle(self.box, self._page(), self._plain())

    def _plain(self):
        question, lang = self.question, self.language
        lines = [f"{question.id}  {question.prompt[lang]}"]
        lines += [f"  {option['id']}) {option['text'][lang]}" for option in question.options]
        told = (unescape(re.sub("<[^>]+>", "", part)) for part in self.said().split("</p>"))
        lines += filter(None, told)
        typed = repr(example(question)) + (", later=True" if self.later else "")
        return "\n".join([*lines, self._word("typed", call=f'ask("{question.id}", answer={typed})')])

    def _page(self):
        """The question for a reader without a kernel: a list, and the answer behind a fold, unless a run will tell."""
        question, lang = self.question, self.language
        rows = "".join(f"<li>{option['id']}) {escape(option['text'][lang])}</li>" for option in question.options)
        page = f"<p><b>{question.id}</b> {escape(question.prompt[lang])}</p>"
        page += f"<ul style='list-style: none'>{rows}</ul>" if rows else ""
        if self.said():
            return page + f"<div>{self.said()}</div>"
        if self.later:
            return page
        shown = escape(f"{marking.right_answer(question, lang)}. {question.explanation[lang]}")
        return page + f"<details><summary>{self._word('solution')}</summary><p>{shown}</p></details>"


def _last_guess(question):
    """The guess that was noted last, where no answer came after it and the question still has it; else None."""
    try:
        found = events.events(question.id)
        if found and found[-1].kind == "guess" and marking.mark(question, found[-1].answer):
            return found[-1].answer
    except (OSError, marking.Unreadable):
        return None  # a guess that is lost costs nothing
    return None


def _keep(kind, id, answer, points=0, out_of=0):
    """Keep what was done; returns the reason where that fails, for the learner to read."""
    try:
        events.note(kind, id, answer, points, out_of)
    except OSError as error:
        return str(error)
    return ""
