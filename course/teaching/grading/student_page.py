"""What one student gets back: a page of HTML without scripts, for a phone and to print. No torch is needed.

Names, answers and the messages of errors are a student's: each goes through `wording.plain` and `escape`.
"""

import json
import re
import unicodedata
from dataclasses import astuple
from hashlib import blake2b
from html import escape
from pathlib import Path

from course.teaching.grading.gradebook import total
from course.teaching.grading.wording import (
    answered,
    asked,
    heading,
    name_of,
    plain,
    tell,
    tell_key,
    tell_student,
)
from course.teaching.language import LANGUAGES, in_all, say

STYLE = Path(__file__).with_name("marks.css")
SIGNS = {"correct": "✓", "not yet": "✗", "error": "!", "not attempted": "–"}
HEADS = ("item", "result", "points", "given", "reasons")


def names(students):
    """The file of each student's page, {Student: name}: safe everywhere, and the same whoever else is in the class.

    Where a participant number is known it stands where "Upload multiple feedback files in a zip" of a Moodle's
    assignment looks for it, as its source says: Kim Minji_12345_assignsubmission_file_marks-0f3a....html.
    """
    return {student: _file(student) for student in students}


def _file(student):
    """A student's file name: letters and digits of any language in the name, then what tells namesakes apart."""
    letters = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", plain(student.name, 200)))[:40].strip() or "student"
    told = blake2b(json.dumps(astuple(student)).encode(), digest_size=6).hexdigest()
    number = student.participant
    place = f"_{number[:20]}_assignsubmission_file_" if number.isascii() and number.isdecimal() else "_"
    return f"{letters}{place}marks-{told}.html"


def page(marks, lang=None, style=""):
    """The page of one student from all Marks of theirs, as `gradebook.by_student` gives them; `lang` None is both.

    `style` is CSS besides the page's own, such as a font "Course Math" for its formulas.
    """
    marks = sorted(marks, key=lambda some: some.lesson)
    name = name_of(marks[0].student, lang or "en") if marks else say("grade.no-name", lang or "en")
    number = plain(marks[0].student.number, 40) if marks else ""
    who = f"<h1><bdi>{escape(name)}</bdi></h1>" + (
        f"<p class='quiet'><bdi>{escape(number)}</bdi></p>" if number else ""
    )
    head = f"<p class='quiet inline'>{tell_key('paper.course', lang)}</p>{who}"
    warned = unguarded(lang) if any(some.trusted for some in marks) else ""
    body = _total(marks, lang) + "".join(_lesson(some, lang) for some in marks)
    return whole(f"{name} {say('grade.marks', lang or 'en')}", warned + head + body, lang, style)


def whole(title, body, lang, style):
    """A page of HTML from its body, with the style that the report shares."""
    return (
        f"<!DOCTYPE html>\n<html lang='{lang or 'en'}'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{style}{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def unguarded(lang):
    """The warning that marks were made without a sandbox."""
    return f"<div class='warning' role='note'>{tell_key('grade.unguarded', lang)}</div>"


def meant(all_marks, lang):
    """What marks can be trusted for: less where they were made without a sandbox."""
    key = "grade.means-less" if any(marks.trusted for marks in all_marks) else "grade.means"
    return f"<div class='quiet'>{tell_key(key, lang)}</div>"


def head_of(key, lang):
    """A column's head as HTML, and as the text that stands before each of its cells on a phone."""
    texts = in_all(f"grade.{key}")
    return tell(texts, lang), " · ".join(dict.fromkeys(texts[each] for each in LANGUAGES if lang in (None, each)))


def table(keys, rows, lang, kind):
    """A table: heads by their keys; rows of cells (class, HTML), the first of which names the row.

    A cell of class "code" needs all the width there is: it stands below its row.
    """
    heads = [head_of(key, lang) for key in keys]
    top = "".join(f"<th scope='col'>{shown}</th>" for shown, _ in heads)
    body = ""
    for (_, first), *rest in rows:
        cells = "".join(
            f"<td class='{style}' data-head='{escape(text)}'><div>{content}</div></td>"
            if content and style != "code"
            else "<td></td>"
            for (style, content), (_, text) in zip(rest, heads[1:], strict=True)
        )
        body += f"<tr><th scope='row'>{first}</th>{cells}</tr>"
        wide = [content for style, content in rest if style == "code"]
        body += "".join(f"<tr class='below'><td colspan='{len(keys)}'>{content}</td></tr>" for content in wide)
    return f"<table class='{kind}'><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def bar(share):
    """A bar that is filled to a share in [0, 1]; the number stands beside it."""
    return f"<span class='bar' aria-hidden='true'><i style='width: {100 * share:.0f}%'></i></span>"


def _total(marks, lang):
    points, out_of = total(marks)
    share = f"{100 * points / out_of:.0f} %" if out_of else "–"
    shown = tell_key("exercise.points", lang, points=points, out_of=out_of)
    filled = bar(points / out_of) if out_of else ""
    return f"<div class='total inline'><strong>{share}</strong>{shown}{filled}</div>{meant(marks, lang)}"


def _lesson(marks, lang):
    """What came of one lesson: its table, and what is odd about what was handed in."""
    if not marks.lesson:
        odd = "".join(f"<li>{tell_student(remark.text, lang)}</li>" for remark in marks.remarks)
        return f"<h2 class='inline'>{tell_key('grade.unread', lang)}</h2><ul>{odd}</ul>"
    title = tell({each: heading(marks.lesson, each) for each in LANGUAGES}, lang, escape)
    head = f"<h2><span class='score number'>{marks.points} / {marks.out_of}</span>{title}</h2>"
    if not marks.key:
        return f"{head}<div>{tell_key('grade.nothing', lang)}</div>"
    files = ", ".join(plain(name, 80) for name in marks.files)
    shown = f"<div class='quiet inline'>{tell_key('grade.files', lang, names=files)}</div>" if files else ""
    odd = "".join(f"<li>{tell_student(remark.text, lang)}</li>" for remark in marks.remarks)
    odd = f"<h3 class='inline'>{tell_key('grade.remarks', lang)}</h3><ul>{odd}</ul>" if odd else ""
    return head + shown + odd + table(HEADS, [_row(item, lang) for item in marks.items], lang, "work")


def _row(item, lang):
    """The cells of an item."""
    style = item.status.replace(" ", "-") if item.status in SIGNS else "error"
    result = f"<div class='result'><b>{SIGNS.get(item.status, '!')}</b><div>{_status(item, lang)}</div></div>"
    result += f"<div class='quiet'>{tell_key('grade.tries', lang, count=item.tries)}</div>" if item.tries > 1 else ""
    further = f"<div class='quiet'>{tell_key('grade.further', lang)}</div>" if item.further else ""
    reasons = "".join(f"<p>{tell_student(reason, lang)}</p>" for reason in item.reasons)
    gave = _gave(item, lang)
    return (
        ("", f"<b>{escape(plain(item.id, 60))}</b>{asked(item, lang)}{further}"),
        (style, result),
        ("number", f"{item.points} / {item.out_of}"),
        ("code" if gave.startswith("<pre>") else "gave", gave),
        ("", reasons),
    )


def _status(item, lang):
    """How an item went, in words."""
    if item.status not in SIGNS:
        return escape(plain(item.status, 40))
    return tell_key(f"exercise.{item.status.replace(' ', '-')}", lang)


def _gave(item, lang):
    """What a student gave: code as code, the same in both languages only once."""
    texts = answered(item)
    if not texts["en"]:
        return ""
    if item.kind == "exercise":
        return f"<pre>{escape(texts['en'])}</pre>"
    if texts["en"] == texts["ko"]:
        return f"<bdi>{escape(texts['en'])}</bdi>"
    return tell(texts, lang, lambda text: escape(text).replace("\n", "<br>"))
