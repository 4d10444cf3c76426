"""The marks of a class as tables: one for whoever teaches, two for a Moodle. No torch is needed.

All are UTF-8 with a byte order mark, so that spreadsheets read Korean names, and have commas. A cell that a student
wrote and that a spreadsheet would take for a formula gets an apostrophe before it.

marks_csv            One row a student. An empty cell is "not attempted", 0 an answer that earned nothing; both are 0 in
                     the totals. A lesson that somebody did not hand in has an empty subtotal; what could not be read
                     has no column. Items for those who want to know have columns, marked +, and do not count. What an
                     item is worth stands behind its id, which also keeps spreadsheets from taking 01-1 for a day.
moodle_csv           An assignment's grading worksheet, for whom a participant number is known: "Upload grading
                     worksheet" takes grades and comments from it.
moodle_gradebook_csv For "Import CSV" in the gradebook, for whom a number is known: a column per lesson and the total.

What was read in Moodle's source (mod/assign, its feedback/offline and feedback/file, grade/import/csv; several versions
up to 5.x) and was not tried in a Moodle:

- The worksheet must have the columns Identifier, Grade and "Last modified (grade)", or it is refused; of all others
  only those of feedback are read. Their names, and "Participant ", are in the language that the teacher's Moodle speaks
  at that moment: it must be English. The number behind "Participant " is that of the folders of "Download all
  submissions"; it belongs to one assignment alone.
- A grade over the assignment's maximum is skipped, whatever "Maximum Grade" says. So grades are percent, and the
  assignment's maximum must be 100, as it is by default. The time of the last change is left empty: a grade that Moodle
  already has is kept, unless the box for updating newer records is ticked.
- "Import CSV" finds users by id, ID number, email address or user name, never by participant: hence a file of its own.
  One that Moodle does not know stops the whole import. A row where it is empty goes to the user of the row before: such
  rows are left out here, and so are numbers that two students bear. Where students typed them themselves, look at them
  first. "-" is "no grade"; a grade over 100 stops the import, so grades are percent here, too.
"""

import csv
import io
import unicodedata
from collections import Counter
from dataclasses import astuple, replace
from html import escape

from course.teaching import quiz
from course.teaching.grading.records import Item, Marks
from course.teaching.grading.wording import heading, plain
from course.teaching.language import LANGUAGES, say

FORMULA, ROOM = "=+-@", 32_000  # how a formula begins; how many letters a spreadsheet's cell holds
WORKSHEET = ("Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)", "Feedback comments")


def by_student(all_marks):
    """The marks of each student in every lesson of the class, {Student: (Marks, ...)}, in whatever order they come.

    Students stand by name, lessons by number, items as in the quiz files, behind them those that are no longer there.
    What somebody did not hand in has the key "", and all its items are "not attempted". What could not be read is of no
    lesson, and stands last. Raises ValueError where a student has two marks in one lesson, or marks have no key.
    """
    blank = _blank(all_marks)
    found = {}
    for marks in all_marks:
        if marks.lesson in found.setdefault(marks.student, {}):
            raise ValueError(f"{marks.student.name!r} has two marks in lesson {marks.lesson}")
        if not marks.key:
            raise ValueError(f"the marks of {marks.student.name!r} in lesson {marks.lesson} have no key")
        found[marks.student][marks.lesson] = marks
    return {
        student: tuple(_whole(found[student].get(lesson), student, lesson, items) for lesson, items in blank.items())
        + tuple(filter(None, [found[student].get("")]))
        for student in sorted(found, key=astuple)
    }


def in_lessons(marks):
    """Those of one student's marks that are of a lesson: the same lessons for everybody in a class."""
    return [some for some in marks if some.lesson]


def is_unread(marks):
    """Whether nothing that one student handed in could be read."""
    return any(not some.lesson for some in marks) and not any(some.key for some in in_lessons(marks))


def total(marks):
    """(points, most points) of one student's marks."""
    return sum(some.points for some in marks), sum(some.out_of for some in marks)


def percent(points, out_of):
    """Points as percent of the most, with at most two digits; "" where there are none to be had."""
    return f"{100 * points / out_of:.2f}".rstrip("0").rstrip(".") if out_of else ""


def _blank(all_marks):
    """The items of the class as nobody attempted them, {lesson: {id: Item}}, in order."""
    seen = {lesson: {} for lesson in sorted({marks.lesson for marks in all_marks} - {""})}
    for marks in all_marks:
        for item in marks.items if marks.lesson else ():
            bare = Item(item.id, item.kind, "not attempted", 0, item.out_of, further=item.further)
            seen[marks.lesson].setdefault(item.id, set()).add(bare)
    return {
        lesson: {id: max(versions[id], key=_weight) for id in _in_order(lesson, versions)}
        for lesson, versions in seen.items()
    }


def _weight(item):
    """Decides which of several versions of an item names its column."""
    return item.out_of, not item.further, item.kind


def _in_order(lesson, ids):
    """Ids as the quiz file has them, then all others."""
    known = [*quiz.load(lesson), *quiz.exercises(lesson)] if lesson in quiz.lessons() else []
    return sorted(ids, key=lambda id: (known.index(id) if id in known else len(known), id))


def _whole(marks, student, lesson, items):
    """Marks with every item of the class; where there are none, none of them attempted."""
    if marks is None:
        return Marks("", student, lesson, tuple(items.values()))
    mine = {item.id: item for item in marks.items}
    return replace(marks, items=tuple(mine.get(id, blank) for id, blank in items.items()))


def marks_csv(all_marks):
    """All marks as a table: name, number, participant, folder; each item; each lesson; the total; what to look at."""
    lessons = _blank(all_marks)
    items = [item for some in lessons.values() for item in some.values()]
    heads = ["name", "number", "participant", "folder", *map(_head, items), *(f"lesson {each}" for each in lessons)]
    rows = [[*heads, "total", "out of", "percent", "remarks"]]
    for student, marks in by_student(all_marks).items():
        points, out_of = total(marks)
        given = [_points(item) for some in marks for item in some.items]
        subtotals = [some.points if some.key else "" for some in in_lessons(marks)]
        slugs = sorted({remark.slug for some in marks for remark in some.remarks if remark.look})
        who = (student.name, student.number, student.participant, student.folder)
        rows.append([*who, *given, *subtotals, points, out_of, percent(points, out_of), " ".join(slugs)])
    return _csv(rows)


def _head(item):
    """The head of an item's column: 01-1 (2), or 01-2 (+2) where it does not count."""
    return f"{item.id} ({'+' * item.further}{item.out_of})"


def _points(item):
    return "" if item.status == "not attempted" else item.points


def moodle_csv(all_marks, lang=None):
    """A grading worksheet of an assignment, its comments in a language, or where `lang` is None in both."""
    rows = [WORKSHEET]
    left = left_out(all_marks, "participant")
    for student, marks in by_student(all_marks).items():
        if student not in left:
            comment = " ".join(_comment(marks, each) for each in ([lang] if lang else LANGUAGES))
            grade = "" if is_unread(marks) else percent(*total(marks))
            rows.append((f"Participant {student.participant}", student.name, grade, "100", "", comment))
    return _csv(rows)


def moodle_gradebook_csv(all_marks, lang="en"):
    """Percent of each lesson and of all, for the import of a gradebook by ID number."""
    lessons = [heading(lesson, lang) for lesson in _blank(all_marks)]
    rows = [["ID number", "Full name", *lessons, say("grade.total", lang)]]
    left = left_out(all_marks, "number")
    for student, marks in by_student(all_marks).items():
        if student not in left:
            each = [percent(some.points, some.out_of) if some.key else "" for some in in_lessons(marks)]
            whole = "" if is_unread(marks) else percent(*total(marks))
            rows.append([student.number, student.name, *(grade or "-" for grade in (*each, whole))])
    return _csv(rows)


def left_out(all_marks, known_by):
    """The students that a file for Moodle cannot name: their "participant", or "number", is not known, not theirs
    alone, or none."""
    students = sorted({marks.student for marks in all_marks}, key=astuple)
    bearers = Counter(getattr(student, known_by) for student in students)

    def is_named(student):
        named = getattr(student, known_by)
        sound = named.isascii() and named.isdecimal() if known_by == "participant" else named == cell(named)
        return named and sound and bearers[named] == 1

    return [student for student in students if not is_named(student)]


def _comment(marks, lang):
    """What a student reads in Moodle: points, what is not right yet, and whether anything guarded the marks."""
    if is_unread(marks):
        told = [remark.text for some in marks for remark in some.remarks]
        said = [say("grade.unread", lang), *(plain(text.get(lang, text["en"])) for text in told)]
        return escape(" ".join(said), quote=False)
    points, out_of = total(marks)
    said = [say("grade.comment", lang, points=points, out_of=out_of, percent=percent(points, out_of) or "-")]
    wrong = [item.id for some in marks for item in some.items if item.status != "correct" and not item.further]
    said += [say("grade.open", lang, ids=", ".join(wrong))] if wrong else []
    said += [say("grade.unguarded", lang)] if any(some.trusted for some in marks) else []
    return escape(" ".join(said), quote=False)  # Moodle takes it for HTML


def cell(value):
    """A value as a cell: a text on one line that no spreadsheet takes for a formula; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = plain(value, ROOM)
    begins = unicodedata.normalize("NFKC", text[:1])  # full-width signs begin a formula, too
    return "'" + text if begins in FORMULA and text not in ("", "-") else text


def _csv(rows):
    """Rows as text with a byte order mark."""
    written = io.StringIO()
    csv.writer(written).writerows([cell(value) for value in row] for row in rows)
    return "\ufeff" + written.getvalue()
