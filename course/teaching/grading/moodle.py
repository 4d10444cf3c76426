r"""Questions as Moodle XML, which a Moodle imports into its question bank: a category per lesson. No torch is needed.

Read back by a test, not tried in a Moodle. Moodle marks more simply than the course:

several     The course gives all points for exactly the right options, else none. Moodle adds up: each of r right ones
            gives 1/r of the points, each of w wrong ones takes 1/w, never below 0. So exactly the right options give
            all points, all options none, and a part of the right ones a part. What is said to a right option that was
            left out (`missed`) stands in the feedback for partly right and for wrong answers, for all of them at once.
number      The first answer of the file that is near enough decides, as in the course. `unit.forms` become units that
            may follow the number and change nothing; `unit.feedback` has no place and is left out. Percent signs,
            numbers in words, sentences and, without `unit`, any word behind the number are not understood.
text        Only the forms of the file count, in both languages, in upper or lower case; a Korean form with spaces also
            without. The course knows other spellings and what may stand around an answer; Moodle does not.
order       Question type "ordering": part of Moodle from 4.4 on, a plugin before. All or nothing, as in the course. It
            has no feedback for one wrong order, so that of the known wrong orders is left out.
otherwise   An answer "*" at the end for number and text, the feedback for wrong answers for an order.

A further try costs nothing, as in the course. Options keep their order and letters. Formulas stand between \( and \),
which Moodle's MathJax filter sets. Tags are the depth, and "further" for what does not count in the course.
"""

import re
import xml.etree.ElementTree as ET
from html import escape

from course.teaching import quiz
from course.teaching.language import say

TYPES = {
    "choice": "multichoice",
    "several": "multichoice",
    "number": "numerical",
    "text": "shortanswer",
    "order": "ordering",
}


def quiz_xml(lessons, lang):
    """The questions of lessons such as ["02"] as the bytes of a Moodle XML file. Raises LookupError."""
    root = ET.Element("quiz")
    for lesson in lessons:
        questions = quiz.load(lesson)
        _category(root, lesson, lang)
        for question in questions.values():
            _question(root, question, lang)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def fraction(share):
    """A share of a question's points in percent, as Moodle lists it: 1/3 is "33.33333"."""
    return f"{100 * share:.5f}".rstrip("0").rstrip(".")


def _category(root, lesson, lang):
    """What puts the questions that follow into a category; a slash in a name is doubled, or it would begin another."""
    names = [say("paper.course", lang), f"{lesson} {quiz.title(lesson)[lang]}"]
    path = "/".join(name.replace("/", "//") for name in names)
    _text(ET.SubElement(root, "question", type="category"), "category", f"$course$/top/{path}")


def _question(root, question, lang):
    node = ET.SubElement(root, "question", type=TYPES[question.kind])
    _text(node, "name", question.id)
    _html(node, "questiontext", f"<p>{_with_formulas(question.prompt[lang])}</p>")
    _html(node, "generalfeedback", escape(question.explanation[lang]))
    _values(node, defaultgrade=question.points, penalty=0, hidden=0, idnumber=question.id)
    KINDS[question.kind](node, question, lang)
    tags = ET.SubElement(node, "tags")
    for name in [question.depth, *["further"] * question.further]:
        _text(tags, "tag", name)


def _options(node, question, lang):
    """The options of choice and several; all right ones together are worth 100, all wrong ones together -100."""
    single = question.kind == "choice"
    _values(node, single=str(single).lower(), shuffleanswers="false", answernumbering="abc", showstandardinstruction=0)
    _feedback(node, wrong=_missed(question, lang))
    right = sum(option["correct"] for option in question.answers)
    worth = {True: 1 / right, False: 0 if single else -1 / (len(question.answers) - right)}
    for option in question.answers:
        answer = _answer(node, fraction(worth[option["correct"]]), escape(option["text"][lang]), "html")
        _html(answer, "feedback", escape(option["feedback"][lang]))


def _missed(question, lang):
    """What is said where a right option of several was left out; nothing for choice."""
    rows = [
        f"<li>{option['id']}) {escape(option['missed'][lang])}</li>"
        for option in question.answers
        if "missed" in option
    ]
    return f"<p>{escape(say('paper.missed', lang))}</p><ul>{''.join(rows)}</ul>" if rows else ""


def _number(node, question, lang):
    for entry in question.answers:
        answer = _answer(node, fraction(entry["correct"]), str(entry["value"]))
        _values(answer, tolerance=entry["tolerance"])
        _html(answer, "feedback", escape(entry["feedback"][lang]))
    answer = _answer(node, "0", "*")
    _values(answer, tolerance=0)
    _html(answer, "feedback", escape(question.otherwise[lang]))
    if question.unit:
        units = ET.SubElement(node, "units")
        for form in question.unit["forms"]:
            _values(ET.SubElement(units, "unit"), multiplier=1, unit_name=form)
    # 3: there is no unit; 0: one may be typed, and costs nothing
    _values(node, unitgradingtype=0, unitpenalty=0, showunits=0 if question.unit else 3, unitsleft=0)


def _words(node, question, lang):
    _values(node, usecase=0)
    for entry in question.answers:
        for form in forms(entry):
            answer = _answer(node, fraction(entry["correct"]), form)
            _html(answer, "feedback", escape(entry["feedback"][lang]))
    _html(_answer(node, "0", "*"), "feedback", escape(question.otherwise[lang]))


def forms(entry):
    """All forms of an answer in words, each once: both languages, and Korean with spaces also without."""
    every = [form for lang in ("en", "ko") for form in entry["forms"][lang]]
    closed = [form.replace(" ", "") for form in every if not form.isascii()]
    return [*dict.fromkeys(every + closed)]


def _order(node, question, lang):
    """The items, in the right order, which Moodle shuffles; `fraction` is the place of each."""
    right = next(entry for entry in question.answers if entry["correct"])
    texts = {item["id"]: item["text"][lang] for item in question.items}
    _values(node, layouttype="VERTICAL", selecttype="ALL", selectcount=len(texts))
    _values(node, gradingtype="ALL_OR_NOTHING", showgrading="SHOW", numberingstyle="none")
    _feedback(node, right=escape(right["feedback"][lang]), wrong=escape(question.otherwise[lang]))
    for place, letter in enumerate(right["order"], 1):
        _answer(node, str(place), escape(texts[letter]), "html")


KINDS = {"choice": _options, "several": _options, "number": _number, "text": _words, "order": _order}


def _with_formulas(text):
    """Text as HTML, the LaTeX between its dollars between \\( and \\)."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", escape(text, quote=False))


def _text(node, tag, text, **attributes):
    """A child that holds its text in a <text> of its own."""
    child = ET.SubElement(node, tag, attributes)
    ET.SubElement(child, "text").text = text
    return child


def _html(node, tag, page):
    return _text(node, tag, page, format="html")


def _values(node, **values):
    """A child for each value, which it holds as it is."""
    for tag, value in values.items():
        ET.SubElement(node, tag).text = str(value)


def _answer(node, worth, text, form="moodle_auto_format"):
    return _text(node, "answer", text, fraction=worth, format=form)


def _feedback(node, right="", wrong=""):
    """What is said to a right, to a partly right and to a wrong answer as a whole."""
    for tag, page in (("correctfeedback", right), ("partiallycorrectfeedback", wrong), ("incorrectfeedback", wrong)):
        _html(node, tag, page)
