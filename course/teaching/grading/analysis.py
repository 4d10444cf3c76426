"""How the questions and exercises of a class did: difficulty, discrimination, what was answered wrongly. Pure."""

from collections import Counter
from dataclasses import dataclass, replace
from math import sqrt

from course.teaching.grading.gradebook import by_student, in_lessons
from course.teaching.grading.records import Item
from course.teaching.grading.wording import went_wrong

WEAK = 0.1  # a discrimination below tells next to nothing
ENOUGH = 10  # students, below which it is chance


@dataclass(frozen=True)
class Analysis:
    """What a class made of an item, counted over the `count` students that handed in its lesson.

    `share` of all points that were to be had; `first`: share that was right at the first answer, of those whose first
    answer is known; `discrimination`: correlation of the item's points with the total of all that counts without them;
    each in [0, 1] or [-1, 1], None where it is undefined. `wrong`: ((text {en, ko}, how many), ...), commonest first.
    """

    lesson: str
    item: Item  # as nobody attempted it
    count: int
    left: int  # how many did not attempt it
    share: float | None
    first: float | None
    discrimination: float | None
    wrong: tuple

    @property
    def is_weak(self):
        """Whether whoever teaches should ask if the item measures what the others do."""
        return self.count >= ENOUGH and self.discrimination is not None and self.discrimination < WEAK


def analyse(all_marks):
    """The Analysis of every item, [Analysis, ...], lessons in order, in each the hardest item first."""
    students = by_student(all_marks)
    totals = {student: sum(some.points for some in marks) for student, marks in students.items()}
    found = []
    for lesson in zip(*map(in_lessons, students.values()), strict=True):  # the marks of every student in it
        handed_in = [(marks, totals[marks.student]) for marks in lesson if marks.key]
        for k in range(len(lesson[0].items)):
            found.append(_analysed(lesson[0].lesson, [(marks.items[k], whole) for marks, whole in handed_in]))
    return sorted(found, key=lambda each: (each.lesson, 2 if each.share is None else each.share))


def _analysed(lesson, mine):
    """The Analysis of one item from [(Item, total), ...] of all students that handed in its lesson."""
    items = [item for item, _ in mine]
    rest = [total - item.points * (not item.further) for item, total in mine]
    most = sum(item.out_of for item in items)
    firsts = [item.first for item in items if item.first is not None]
    return Analysis(
        lesson,
        replace(items[0], asked=None),
        len(items),
        sum(item.status == "not attempted" for item in items),
        sum(item.points for item in items) / most if most else None,
        sum(firsts) / len(firsts) if firsts else None,
        correlation([item.points for item in items], rest),
        commonest([went_wrong(item) for item in items if item.status in ("not yet", "error")]),
    )


def correlation(xs, ys):
    """Pearson's correlation of whole numbers; None where one of them is the same everywhere."""
    n = len(xs)
    spread_x = n * sum(x * x for x in xs) - sum(xs) ** 2
    spread_y = n * sum(y * y for y in ys) - sum(ys) ** 2
    if spread_x <= 0 or spread_y <= 0:
        return None
    return (n * sum(x * y for x, y in zip(xs, ys, strict=True)) - sum(xs) * sum(ys)) / sqrt(spread_x * spread_y)


def commonest(texts):
    """Texts {en, ko} counted, [(text, how many), ...], the commonest first; upper and lower case are one."""
    counts, first = Counter(), {}
    for text in sorted(texts, key=lambda text: (text["en"], text["ko"])):
        key = text["en"].casefold()
        counts[key] += 1
        first.setdefault(key, text)
    return tuple((first[key], count) for key, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
