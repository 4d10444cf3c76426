"""Questions on the page: the prompt, its controls, a Check button. Core ipywidgets 7.7 and 8; marked in Python."""

import re
from dataclasses import dataclass, replace
from html import escape, unescape

import ipywidgets

from course.teaching import events, quiz
from course.teaching.language import LANGUAGES, choose, date, language, say
from course.teaching.quiz import marking, variants
from course.teaching.quiz.controls import CONTROLS, WIDE, example
from course.viz import html

TYPED = ("order", "number", "text")  # the kinds whose answer is typed, with a word on how
TOLD = 2  # misses in a row after which the explanation is shown
_shown = {}  # the last Asked of a question that marks: a guess that is noted later finds it there


def ask(id, answer=None, *, later=False):
    """Show a question, such as "02-3", with controls and a Check button; with `answer`, typed, mark that at once.

    `later` only notes a guess, before a run that tells; the same question without it, after the run, marks. Answers are
    letters ("b", "ad", "dcab"), a number, or words. The language is that of COURSE_LANG, or of the switch. What is
    answered is kept for `python -m course progress`. Where a variant is chosen (`python -m course variant`), it asks
    the learner's own numbers. Raises LookupError for an id that no file has.
    """
    asked = Asked(variants.own(quiz.find(id)), later)
    if answer is not None:
        asked.take(answer)
    return asked


@dataclass(frozen=True)
class Said:
    """What the status line says, in no language yet: how it was marked, and `words`, as (key, values) of `say`."""

    words: tuple = ()
    marked: marking.Marked | None = None
    told: bool = False  # with the explanation
    unreadable: dict | None = None  # {en, ko}


class Asked(html.OnPage):
    """A question on the page, and what came of it: `.result` is the last Marked, None before; `.said` what is said."""

    def __init__(self, question, later=False):
        self.question, self.later, self.result = question, later, None
        self.language, self.said = language(), Said()
        self.prompt, self.status = ipywidgets.HTML(), ipywidgets.HTML()
        self.control = CONTROLS[question.kind](question)
        self.button = ipywidgets.Button(layout=WIDE)
        self.switch = ipywidgets.Button(layout=WIDE)
        self.button.on_click(lambda _: self.take(self.control.read()))
        self.switch.on_click(lambda _: self._switch())
        buttons = ipywidgets.HBox([self.button, self.switch])
        self.box = ipywidgets.VBox([self.prompt, self.control.box, buttons, self.status])
        self._speak()
        # another answer than the last one stands there now: what was said of that no longer holds
        self.control.watch(lambda: self._say(Said()), lambda: self.take(self.control.read()))
        if not later:
            _shown[question.id] = self
            self._remember(events.history(question.id))

    def take(self, answer):
        """Mark an answer, or note it as a guess; keep it; and say what there is to say."""
        question = self.question
        try:
            result = marking.mark(question, answer)
        except marking.Unreadable as error:
            return self._say(Said(unreadable=error.text))
        written = "".join(map(str, answer)) if isinstance(answer, list | tuple | set) else str(answer)
        self.control.write(written)
        if self.later:
            lost = events.keep("guess", question.id, written)
            if question.id in _shown:
                _shown[question.id]._bring(written)
            return self._say(Said((("question.noted", {"answer": written}), lost)))
        self.result = result
        lost = events.keep("answer", question.id, written, result.points, question.points)
        told = result.correct or events.misses(events.history(question.id)) >= TOLD
        return self._say(Said((lost,), result, told))

    def _remember(self, found):
        """Fill in the guess that was noted last, where no answer came after it; else say when it was right."""
        if found and found[-1].kind == "guess" and self._fits(found[-1].answer):
            self._bring(found[-1].answer)
        elif at := events.right_at(found):
            self._say(Said((("question.was-right", {"at": at}),)))

    def _fits(self, answer):
        """Whether the question still has such an answer."""
        try:
            return bool(marking.mark(self.question, answer))
        except marking.Unreadable:
            return False

    def _bring(self, guess):
        """Fill in a guess where nothing was marked yet."""
        if self.result is None:
            self.control.write(guess)
            self._say(Said((("question.guess", {"answer": guess}),)))

    @property
    def _other(self):
        """The language that the switch offers."""
        return next(lang for lang in LANGUAGES if lang != self.language)

    def _word(self, key, **values):
        return say(f"question.{key}", self.language, **values)

    def _switch(self):
        """Speak the other language, here and in the questions that come after, in this kernel and in later ones."""
        self.language = self._other
        try:
            choose(self.language)
        except OSError as error:
            self.said = replace(self.said, words=(*self.said.words, events.told(error)))
        self._speak()

    def _speak(self):
        """Say everything in the language of the moment."""
        question, lang, said = self.question, self.language, self.said
        how = escape(self._word(question.kind, example=example(question))) if question.kind in TYPED else ""
        own = f"<div><small>{escape(self._word('own'))}</small></div>" if question.own else ""
        self.prompt.value = f"<div><b>{question.id}</b> {html.formulas(question.prompt[lang])} <i>{how}</i></div>{own}"
        self.button.description = self._word("note" if self.later else "check")
        self.switch.description = say("language.name", self._other)
        self.control.speak(lang)  # which takes what is chosen away, and puts it back
        self._say(said)

    def _say(self, said):
        self.said = said
        page = "".join(f"<p>{line}</p>" for line in self._lines())
        self.status.value = f"<div role='status' aria-live='polite'>{page}</div>"

    def _lines(self):
        """What is said, a piece of HTML for each line."""
        said, lang = self.said, self.language
        lines = [escape(said.unreadable[lang])] if said.unreadable else []
        lines += self._outcome(said.marked, said.told) if said.marked else []
        for key, values in filter(None, said.words):
            shown = {"date": date(values["at"], lang)} if "at" in values else values
            lines.append(escape(say(key, lang, **shown)))
        return lines

    def _outcome(self, result, told):
        """The lines for an answer: right or not, each feedback, and the explanation or another try."""
        lang, question = self.language, self.question
        head = f"<b>{self._word('right' if result.correct else 'wrong')}</b>"
        lines = [f"{head} {self._word('points', points=result.points, out_of=question.points)}"]
        lines += [escape(text[lang]) for text in result.feedback + (result.missed if told else ())]
        if told:
            lines.append(f"<b>{self._word('why')}:</b> {escape(question.explanation[lang])}")
            return lines if result.correct else [*lines, self._word("told")]
        return lines + [self._word(key) for key in (("more",) if result.missed else ()) + ("again",)]

    def plain(self):
        """The question for a terminal, with the call that answers it."""
        question, lang = self.question, self.language
        lines = [f"{question.id}  {question.prompt[lang]}", *[self._word("own")] * question.own]
        lines += [f"  {option['id']}) {option['text'][lang]}" for option in question.options]
        lines += [unescape(re.sub("<[^>]+>", "", line)) for line in self._lines()]
        typed = repr(example(question)) + (", later=True" if self.later else "")
        return "\n".join([*lines, self._word("typed", call=f'ask("{question.id}", answer={typed})')])

    def page(self):
        """The question for a reader without a kernel: a list, and the answer behind a fold, unless a run will tell."""
        question, lang = self.question, self.language
        page = prompt_page(question, lang)
        page += f"<p><small>{escape(self._word('own'))}</small></p>" if question.own else ""
        if lines := self._lines():
            page += f"<div>{''.join(f'<p>{line}</p>' for line in lines)}</div>"
        elif not self.later:
            page += f"<details>{answer_page(question, lang)}</details>"
        return f"{page}<p>{escape(self._word('run'))}</p>"


def prompt_page(question, lang):
    """A question and its options as HTML, its formulas as MathML, without a word on the answer."""
    rows = "".join(f"<li>{option['id']}) {escape(option['text'][lang])}</li>" for option in question.options)
    page = f"<p><b>{question.id}</b> {html.formulas(question.prompt[lang])}</p>"
    return page + (f"<ul style='list-style: none'>{rows}</ul>" if rows else "")


def expected_page(question, lang):
    """For who asks a class, as HTML: the right answer, and each wrong one to expect with what is said to it."""
    rows = [
        f"<li><b>{escape(marking.as_typed(question, entry, lang))}</b>: {escape(entry['feedback'][lang])}</li>"
        for entry in question.answers
        if not entry["correct"]
    ]
    right = f"{say('question.solution', lang)}: {marking.right_answer(question, lang)}"
    return f"<p><b>{escape(right)}</b></p><ul>{''.join(rows)}</ul>"


def answer_page(question, lang):
    """The right answer and why it is, as HTML: what goes into a <details>, summary and text."""
    shown = escape(f"{marking.right_answer(question, lang)}. {question.explanation[lang]}")
    return f"<summary>{say('question.solution', lang)}</summary><p>{shown}</p>"
