"""What a class did, for whoever teaches it: a page of HTML without scripts. No torch is needed.

It begins with what somebody should look at, and has the hardest items of a lesson first.
"""

from collections import Counter
from html import escape
from statistics import mean, median
from urllib.parse import quote

from course.teaching.grading.analysis import ENOUGH, WEAK, analyse
from course.teaching.grading.gradebook import by_student, in_lessons, is_unread, total
from course.teaching.grading.student_page import bar, meant, table, unguarded, whole
from course.teaching.grading.wording import asked, heading, name_of, plain, tell, tell_key, tell_student
from course.teaching.language import LANGUAGES, say

SHOWN = 3  # wrong answers of an item
BINS = 10
ALIKE = 3  # attempted items from which on two are hardly the same by chance


def page(all_marks, lang="en", pages=None, style=""):
    """The report of a class; `pages` may map students to the addresses of their pages, for links.

    `style` is CSS besides the page's own, such as a font "Course Math" for its formulas.
    """
    title = f"{say('paper.course', lang or 'en')}: {say('grade.report', lang or 'en')}"
    head = f"<p class='quiet inline'>{tell_key('paper.course', lang)}</p><h1>{tell_key('grade.report', lang)}</h1>"
    if not all_marks:
        return whole(title, f"{head}<div>{tell_key('grade.empty', lang)}</div>", lang, style)
    warned = unguarded(lang) if any(marks.trusted for marks in all_marks) else ""
    students, items = by_student(all_marks), analyse(all_marks)
    read = [marks for marks in students.values() if not is_unread(marks)]
    shares = [points / out_of for points, out_of in map(total, read) if out_of]
    body = (
        _facts(students, shares, lang)
        + meant(all_marks, lang)
        + _look(students, pages or {}, lang)
        + _weak(items, lang)
    )
    body += _chart(students, shares, lang) + _items(items, lang)
    return whole(title, warned + head + body, lang, style)


def _facts(students, shares, lang):
    """The class in four numbers."""
    lessons = [some.lesson for some in in_lessons(next(iter(students.values())))]
    facts = {"grade.students": len(students), "grade.lessons": ", ".join(plain(lesson, 20) for lesson in lessons)}
    if shares:
        facts |= {"grade.mean": f"{100 * mean(shares):.0f} %", "grade.median": f"{100 * median(shares):.0f} %"}
    rows = "".join(
        f"<div><dt class='inline'>{tell_key(key, lang)}</dt><dd>{escape(str(value))}</dd></div>"
        for key, value in facts.items()
    )
    return f"<dl class='facts'>{rows}</dl>"


def _look(students, pages, lang):
    """The submissions that somebody should look at, then those that are the same."""
    rows = []
    for student, marks in students.items():
        where = {}  # what is said: the lessons of which it is said
        for some in marks:
            for remark in some.remarks:
                if remark.look:
                    said = f"<b>{plain_html(remark.slug)}</b>{tell_student(remark.text, lang)}"
                    where.setdefault(said, []).append(some.lesson)
        if where:
            odd = "".join(f"<li>{plain_html(', '.join(lessons))} {said}</li>" for said, lessons in where.items())
            rows.append([("", _linked(student, pages, lang)), ("", f"<ul class='odd'>{odd}</ul>")])
    head = f"<h2>{tell_key('grade.look', lang)}</h2>"
    found = table(("name", "remarks"), rows, lang, "students") if rows else ""
    same = _same(students, pages, lang)
    return head + (found + same or f"<div>{tell_key('grade.look-none', lang)}</div>")


def plain_html(text):
    """A short text of unknown origin as HTML."""
    return f"<bdi>{escape(plain(text, 80))}</bdi>"


def _linked(student, pages, lang):
    """A student's name, which leads to the page of theirs where that is known, and what tells namesakes apart."""
    shown = f"<bdi>{escape(name_of(student, lang or 'en'))}</bdi>"
    if student in pages:
        shown = f"<a href='{quote(pages[student])}'>{shown}</a>"
    known = student.number or student.participant or student.folder
    return shown + (f" <span class='quiet'>{plain_html(known)}</span>" if known else "")


def _same(students, pages, lang):
    """Which students handed in what bears one key, where enough was attempted that chance makes no two alike."""
    bearers = {}
    for student, marks in students.items():
        for some in marks:
            if some.key and sum(item.status != "not attempted" for item in some.items) >= ALIKE:
                bearers.setdefault((some.lesson, some.key), []).append(student)
    rows = [
        f"<li>{plain_html(lesson)}: {', '.join(_linked(each, pages, lang) for each in group)}</li>"
        for (lesson, _), group in sorted(bearers.items())
        if len(group) > 1
    ]
    return f"<h3>{tell_key('grade.same', lang)}</h3><ul class='same'>{''.join(rows)}</ul>" if rows else ""


def _weak(items, lang):
    """The items that do not go with the others."""
    weak = sorted((each for each in items if each.is_weak), key=lambda each: each.discrimination)
    if not weak:
        return ""
    rows = "".join(
        f"<li><a href='#{_anchor(each)}'>{plain_html(each.item.id)}</a> {_number(each.discrimination)}</li>"
        for each in weak
    )
    return (
        f"<h2>{tell_key('grade.weak-items', lang)}</h2><div>{tell_key('grade.weak-means', lang)}</div><ul>{rows}</ul>"
    )


def _anchor(each):
    """The id of an item's row, safe in an attribute and an address."""
    return "item-" + each.item.id.encode("utf-8", "replace").hex()


def _chart(students, shares, lang):
    """How the totals are spread: a bar for each tenth, its count above it."""
    if not shares:
        return ""
    counts = Counter(min(int(BINS * share + 1e-9), BINS - 1) for share in shares)
    high = max(counts.values())
    bars = "".join(
        f"<div>{counts[k] or ''}<i style='height: {10.5 * counts[k] / high:.2f}em'></i></div>" for k in range(BINS)
    )
    ticks = "".join(f"<span>{10 * k}–{10 * k + (9 if k < BINS - 1 else 10)}</span>" for k in range(BINS))
    out_of = max(total(marks)[1] for marks in students.values())
    said = ", ".join(f"{10 * k}+: {counts[k]}" for k in range(BINS) if counts[k])
    caption = tell_key("grade.totals-mean", lang, out_of=out_of)
    chart = f"<div class='chart' role='img' aria-label='{said}'>{bars}</div>"
    chart += f"<div class='ticks' aria-hidden='true'>{ticks}</div>"
    return f"<h2>{tell_key('grade.totals', lang)}</h2><figure>{chart}<figcaption>{caption}</figcaption></figure>"


def _items(items, lang):
    """All items, a table for each lesson, the hardest first."""
    keys = ("item", "got", "first", "discrimination", "left", "wrong")
    note = tell_key("grade.items-mean", lang, weak=WEAK, enough=ENOUGH)
    found = f"<h2>{tell_key('grade.items', lang)}</h2><div class='quiet'>{note}</div>"
    for lesson in dict.fromkeys(each.lesson for each in items):
        mine = [each for each in items if each.lesson == lesson]
        title = tell({each: heading(lesson, each) for each in LANGUAGES}, lang)
        handed_in = tell_key("grade.handed-in", lang, count=mine[0].count)
        found += f"<h3 class='inline'>{title}</h3><div class='quiet inline'>{handed_in}</div>"
        found += table(keys, [_row(each, lang) for each in mine], lang, "items")
    return found


def _row(each, lang):
    """The cells of an item."""
    further = f"<div class='quiet'>{tell_key('grade.further', lang)}</div>" if each.item.further else ""
    got = "–" if each.share is None else f"{100 * each.share:.0f} %{bar(each.share)}"
    key = "grade.negative" if each.is_weak and each.discrimination < 0 else "grade.weak"
    tag = f"<div class='tag'>{tell_key(key, lang)}</div>" if each.is_weak else ""
    wrong = "".join(f"<li><b>{count} ×</b>{tell(text, lang)}</li>" for text, count in each.wrong[:SHOWN])
    rest = sum(count for _, count in each.wrong[SHOWN:])
    wrong += f"<li><b>{rest} ×</b>{tell_key('grade.others', lang)}</li>" if rest else ""
    return (
        ("", f"<b id='{_anchor(each)}'>{plain_html(each.item.id)}</b>{asked(each.item, lang)}{further}"),
        ("number", got),
        ("number", "–" if each.first is None else f"{100 * each.first:.0f} %"),
        ("number", _number(each.discrimination) + tag),
        ("number", str(each.left)),
        ("", f"<ul class='wrong'>{wrong}</ul>" if wrong else ""),
    )


def _number(value):
    """A correlation with a true minus sign, a dash where there is none."""
    return "–" if value is None else f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
