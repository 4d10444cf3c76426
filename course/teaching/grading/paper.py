"""Questions as a test to print, one HTML file without scripts, its key on pages of its own. No torch is needed."""

from html import escape
from pathlib import Path

from course.teaching import quiz
from course.teaching.language import say
from course.teaching.quiz.marking import right_answer
from course.viz.html import formulas

STYLE = Path(__file__).with_name("paper.css")
ROOM = {"number": "<div class='space'></div>"}  # to reckon in


def sheet(lessons, lang, style=""):
    """The questions of lessons such as ["02"] as a page of HTML: what a class fills in, then the key.

    `style` is CSS besides the page's own, such as a font "Course Math" for its formulas. Raises LookupError.
    """
    questions = {lesson: quiz.load(lesson).values() for lesson in lessons}
    total = sum(question.points for some in questions.values() for question in some)
    heads = {lesson: f"<h2>{lesson} {escape(quiz.title(lesson)[lang])}</h2>" for lesson in lessons}
    title = escape(f"{say('paper.course', lang)}: {say('paper.test', lang)}")
    tests = "".join(heads[n] + "".join(asked(q, lang) for q in some) for n, some in questions.items())
    keys = "".join(heads[n] + "".join(solved(q, lang) for q in some) for n, some in questions.items())
    return (
        f"<!DOCTYPE html>\n<html lang='{lang}'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{title}</title><style>{style}{STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f"<main><h1>{title}</h1>{head(total, lang)}{tests}</main>"
        f"<section class='key'><h1>{escape(say('paper.key', lang))}</h1>{keys}</section></body></html>\n"
    )


def head(total, lang):
    """Lines for the name, the date and the points."""
    line = "<span class='line'></span>"
    fields = "".join(f"<p>{escape(say(f'paper.{key}', lang))}{line}</p>" for key in ("name", "date"))
    return f"<div class='head'>{fields}<p>{escape(say('paper.got', lang))}{line} / {total}</p></div>"


def asked(question, lang):
    """A question: its number, points and prompt, how to answer, and the room to do so."""
    worth = say("paper.point" if question.points == 1 else "paper.points", lang, points=question.points)
    box = "<span class='box'></span>" if question.kind in ("choice", "several") else ""
    rows = "".join(f"<li>{box}{o['id']}) {escape(o['text'][lang])}</li>" for o in question.options)
    how = f"<p class='how'>{escape(say(f'paper.{question.kind}', lang))}</p>"
    line = f"<p class='answer'>{escape(say('question.answer', lang))}<span class='line'></span></p>"
    return (
        f"<section class='question {question.kind}' id='q-{question.id}'>"
        f"<h3>{question.id} <span>{escape(worth)}</span></h3><p>{formulas(question.prompt[lang])}</p>{how}"
        + (f"<ul>{rows}</ul>" if rows else "")
        + ("" if box else ROOM.get(question.kind, "") + line)
        + "</section>"
    )


def solved(question, lang):
    """The right answer of a question, and why it is."""
    return (
        f"<section class='solution' id='key-{question.id}'>"
        f"<p><b>{question.id}</b> <b>{escape(_right(question, lang))}</b></p>"
        f"<p>{escape(question.explanation[lang])}</p></section>"
    )


def _right(question, lang):
    """The right answer as who marks it wants to read it: letters with their texts, a number with what it may be off."""
    right = right_answer(question, lang)
    if question.kind in ("choice", "several"):
        texts = {option["id"]: option["text"][lang] for option in question.options}
        return "; ".join(f"{letter}) {texts[letter]}" for letter in right)
    if question.kind == "order":
        return ", ".join(right)
    entry = next(entry for entry in question.answers if entry["correct"])
    return f"{right} ± {entry['tolerance']:.12g}" if entry.get("tolerance") else right
