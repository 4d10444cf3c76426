"""What marks are about, in words: what an item asks, what was answered, what went wrong. No torch is needed.

What a student typed or is called is hostile: nothing of it leaves here but through `plain`, and into a page but through
`escape`. An id that the quiz files no longer have is said to be so.
"""

import unicodedata
from html import escape

from course.teaching import quiz
from course.teaching.language import LANGUAGES, in_all, say
from course.teaching.quiz.marking import as_typed, letters_of
from course.teaching.quiz.typed import Unreadable
from course.viz.html import formulas

LONGEST, CODE = 1000, 4000  # letters of a student's that are shown at once
# What turns the direction of writing, and what is no letter at all.
UNSEEN = {*map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF))}
ENDS = {"\r", "\n", "\v", "\f", "\x85", "\u2028", "\u2029"}  # of lines


def plain(text, longest=LONGEST, lines=False):
    """A text of unknown origin, without what does not print or what turns the direction of writing.

    It is one line, or where `lines` keeps its own; what is over `longest` is cut off, with an ellipsis.
    """
    text, most = str(text).replace("\r\n", "\n"), 4 * longest
    kept = "".join(_tame(c) for c in text[:most] if c not in UNSEEN)
    kept = kept.strip("\n") if lines else " ".join(kept.split())
    return kept[:longest] + "…" if len(kept) > longest or len(text) > most else kept


def _tame(c):
    """A character that can be shown, and written as UTF-8."""
    if c in ENDS:
        return "\n"
    if c == "\t":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs") else c


def tell(text, lang, draw=escape):
    """A text {en, ko} as HTML in a language; where `lang` is None in each that it has, the second below the first."""
    chosen = [lang if lang and text.get(lang) else "en"]
    if lang is None and text.get("ko", text["en"]) != text["en"]:
        chosen = LANGUAGES
    return "".join(f"<span lang='{each}'>{draw(text[each])}</span>" for each in chosen)


def tell_key(key, lang, **values):
    """The same for a key of the course's own words."""
    return tell(in_all(key, **values), lang)


def tell_student(text, lang):
    """The same for a text that may quote a student."""
    return tell({each: plain(words, lines=True) for each, words in text.items()}, lang)


def name_of(student, lang="en"):
    """What a student is called, as one line of text."""
    return plain(student.name, 80) or say("grade.no-name", lang)


def heading(lesson, lang="en"):
    """A lesson's number and title, as far as it is known."""
    return f"{plain(lesson, 20)} {quiz.title(lesson)[lang]}" if lesson in quiz.lessons() else plain(lesson, 20)


def question_of(item):
    """The Question of an item, or None for an exercise and for one that is no longer there."""
    lesson = item.id.partition("-")[0]
    known = quiz.load(lesson) if lesson in quiz.lessons() else {}
    return known.get(item.id) if item.kind == "question" else None


def exercise_of(item):
    """The words of an item's exercise, as `quiz.exercises` has them, or None."""
    lesson = item.id.partition("-")[0]
    known = quiz.exercises(lesson) if lesson in quiz.lessons() else {}
    return known.get(item.id) if item.kind == "exercise" else None


def asked(item, lang):
    """What an item asks, as HTML: the prompt of a question, the function to write of an exercise."""
    if question := question_of(item):
        return tell(item.asked or question.prompt, lang, formulas)
    if exercise_of(item) is not None:
        return tell_key("grade.write", lang, name=f"my_{item.id.partition('-')[2]}")
    return tell_key("grade.unknown", lang)


def answered(item):
    """What was given to an item, {en, ko}: options with their texts, anything else as it was typed."""
    question = question_of(item)
    if question is not None and question.options and question.kind != "order":
        try:
            letters = letters_of(question, plain(item.given))
        except Unreadable:
            return dict.fromkeys(LANGUAGES, plain(item.given, lines=True))
        texts = {option["id"]: option["text"] for option in question.options}
        return {lang: "\n".join(f"{letter}) {texts[letter][lang]}" for letter in letters) for lang in LANGUAGES}
    longest = CODE if item.kind == "exercise" else LONGEST
    return dict.fromkeys(LANGUAGES, plain(item.given, longest, lines=True))


def went_wrong(item):
    """What is wrong with an answer that is not right, {en, ko}: equal for answers that are wrong in the same way."""
    if item.kind == "exercise":
        return _mistaken(item)
    question = question_of(item)
    if question is not None and question.kind in ("number", "text"):
        numbered = {str(k): entry for k, entry in enumerate(question.answers, 1)}
        if entry := numbered.get(item.mistake):
            return {lang: as_typed(question, entry, lang) for lang in LANGUAGES}
    return {lang: plain(text, 80) or "-" for lang, text in answered(item).items()}


def _mistaken(item):
    """The mistake of an exercise by its slug and what is said of it; else that it is none that is known."""
    if item.status == "error":
        return in_all("grade.stopped")
    if not item.mistake:
        return in_all("grade.no-known")
    slug = plain(item.mistake, 40)
    says = ((exercise_of(item) or {}).get("mistakes", {}).get(item.mistake) or {}).get("says")
    return {lang: f"{slug}: {says.get(lang, says['en'])}" if says else slug for lang in LANGUAGES}
