"""A class that never was: marks of students who answer as students do, drawn from one seed. And what holds of pages."""

import random
from html.parser import HTMLParser

from bs4 import BeautifulSoup
from helpers import loads

from course.teaching import quiz
from course.teaching.exercises.feedback import POINTS
from course.teaching.grading.records import Item, Marks, Remark, Student
from course.teaching.quiz.marking import Unreadable, as_typed, mark, right_answer

FAMILIES = ["김", "이", "박", "최", "정", "강", "조", "윤", "장", "임"]
GIVEN = [
    "민지",
    "서준",
    "하윤",
    "도윤",
    "지우",
    "예은",
    "시우",
    "수아",
    "주원",
    "Minji",
    "Alex",
    "Sara",
    "Jonas",
    "Yuki",
    "Priya",
]
ODD = Remark("no-outputs", {"en": "The notebook was never run.", "ko": "노트북을 실행한 흔적이 없습니다."}, True)
LATE = Remark("old-version", {"en": "Made with version 0.1 of the course.", "ko": "강의 0.1판으로 만든 파일입니다."})
HOSTILE = "</td></table><script>alert(1)</script>\x00\u202e<img src=http://x.example/a onerror=alert(1)>"


def pupil(k, draw=random):
    """The k-th student; some have no participant number, one has no name, two share a name."""
    names = {7: "", 11: "김민지", 12: "김민지", 19: '=HYPERLINK("http://x.example")', 23: HOSTILE, 31: "../../x"}
    name = names.get(k, f"{draw.choice(FAMILIES)}{draw.choice(GIVEN)}")
    participant = "" if k % 9 == 4 else str(410000 + 37 * k)
    return Student(name, f"2026{k:04d}", participant, f"folder{k}")


def school(count=60, lessons=("01", "02"), seed=0, trusted=False):
    """All Marks of a class: the able get more right, 02-2 is a coin, some hand in one lesson alone."""
    draw = random.Random(seed)
    found = []
    for k in range(count):
        student, able = pupil(k, draw), draw.gauss(0.6, 0.25)
        for lesson in lessons:
            if k % 20 == 13 and lesson != lessons[0]:
                continue
            items = [*(_question(q, able, draw) for q in quiz.load(lesson).values())]
            items += [_exercise(id, words, able, draw) for id, words in quiz.exercises(lesson).items()]
            remarks = (ODD,) * (k % 17 == 3) + (LATE,) * (k % 23 == 5)
            key = f"{lesson}-same" if k in (11, 12) else f"{lesson}-{k}"
            found.append(
                Marks(key, student, lesson, tuple(items), remarks, (f"{lesson}_lesson.ipynb",), "0.2.0", trusted)
            )
    return found


def _question(question, able, draw):
    """An item for a question: answered rightly by chance, the better for the able, and a coin for 02-2."""
    chance = 0.5 if question.id == "02-2" else min(max(able + draw.gauss(0, 0.15), 0.05), 0.97)
    if draw.random() < 0.06:
        return Item(question.id, "question", "not attempted", 0, question.points, further=question.further)
    right = draw.random() < chance
    given, mistake = (right_answer(question), "") if right else _wrong(question, draw)
    try:
        marked = mark(question, given)
    except Unreadable as error:
        reasons = (error.text,)
        return Item(
            question.id, "question", "error", 0, question.points, given, "", reasons, 1, False, question.further
        )
    tries = draw.choice([1, 1, 1, 2, 3])
    return Item(
        question.id,
        "question",
        "correct" if marked.correct else "not yet",
        marked.points,
        question.points,
        given,
        mistake,
        tuple(marked.feedback) + tuple(marked.missed),
        tries,
        marked.correct and tries == 1,
        question.further,
    )


def _wrong(question, draw):
    """(what is typed, the number of the wrong answer as text) of a wrong answer."""
    wrong = [(k, entry) for k, entry in enumerate(question.answers, 1) if not entry["correct"]]
    if question.kind in ("number", "text") and draw.random() < 0.3:
        return draw.choice(["17", "no idea", "모르겠음", HOSTILE]), ""
    k, entry = draw.choice(wrong)
    return as_typed(question, entry), str(k)


def _exercise(id, words, able, draw):
    """An item for an exercise: right, one of its known mistakes, another, an error, or left as it was."""
    further = words.get("further", False)
    if draw.random() < 0.1:
        return Item(id, "exercise", "not attempted", 0, POINTS, further=further)
    code = f"def my_{id[3:]}(alpha_bar, x0, t, eps):\n    return alpha_bar[t].sqrt() * x0 + (1 - alpha_bar[t]) * eps\n"
    if draw.random() < able:
        equal = {"en": "Equal to the truth on 4 random inputs.", "ko": "무작위 입력 4개에서 모두 정답과 같습니다."}
        return Item(id, "exercise", "correct", POINTS, POINTS, code, "", (equal,), 1, True, further)
    if draw.random() < 0.2:
        stopped = {"en": f"It stopped with IndexError: {HOSTILE}.", "ko": f"오류로 멈췄습니다: {HOSTILE}."}
        return Item(id, "exercise", "error", 0, POINTS, code, "", (stopped,), 1, False, further)
    slug = draw.choice([*words.get("mistakes", {}), ""])
    says = words["mistakes"][slug]["says"] if slug else {"en": "The numbers differ.", "ko": "값이 다릅니다."}
    return Item(id, "exercise", "not yet", 0, POINTS, code, slug, (says,), 2, False, further)


class Outline(HTMLParser):
    """The elements of a page, and that each is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in ("meta", "br", "mspace"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def sound(text):
    """A page about marks, parsed, after what must be true of each was checked: it runs and asks for nothing."""
    outline = Outline(text)
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & {*outline.tags}
    assert not [name for name in outline.attributes if name.startswith("on") or name in ("src", "action", "srcset")]
    assert not {*text} & {*"\x00\x1b\u202e\u2066\u200f"}
    text.encode("utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert loads(soup) == []
    return soup
