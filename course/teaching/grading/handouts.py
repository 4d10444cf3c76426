"""A test to print for every student of a class, with their own numbers, and a key for each. No torch is needed."""

from html import escape

from course.teaching import quiz
from course.teaching.grading import paper
from course.teaching.language import say
from course.teaching.quiz.variants import varied

LINE = "<span class='line'></span>"


def handouts(lessons, lang, secret, names, style=""):
    """The questions of lessons such as ["02"] as a page of HTML: a test for each name, then a key for each.

    `style` is CSS besides the page's own, as for `paper.sheet`. Raises LookupError.
    """
    tests, keys = [], []
    for k, name in enumerate(names, 1):
        own = {lesson: [varied(q, secret, name) for q in quiz.load(lesson).values()] for lesson in lessons}
        tests.append(_test(own, lang, name).replace(" id='q-", f" id='q-{k}-"))
        keys.append(_key(own, lang, name).replace(" id='key-", f" id='key-{k}-"))
    frame = paper.sheet([], lang, style).partition("<main>")[0]
    return f"{frame}{''.join(tests)}{''.join(keys)}</body></html>\n"


def _test(own, lang, name):
    """What one student fills in: the name stands where a line for it was."""
    title = escape(f"{say('paper.course', lang)}: {say('paper.test', lang)}")
    total = sum(question.points for some in own.values() for question in some)
    head = paper.head(total, lang).replace(LINE, f" <b>{escape(name)}</b>", 1)
    asked = _by_lesson(own, lang, paper.asked)
    return f"<section class='test' style='break-before: page'><h1>{title}</h1>{head}{asked}</section>"


def _key(own, lang, name):
    title = escape(f"{say('paper.key', lang)}: {name}")
    return f"<section class='key'><h1>{title}</h1>{_by_lesson(own, lang, paper.solved)}</section>"


def _by_lesson(own, lang, shown):
    """The questions of each lesson as `shown` makes them, below its title."""
    return "".join(
        f"<h2>{lesson} {escape(quiz.title(lesson)[lang])}</h2>" + "".join(shown(question, lang) for question in some)
        for lesson, some in own.items()
    )
